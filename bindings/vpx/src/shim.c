/*
 * libvpx, in a form that does not depend on its version.
 *
 * The structures of libvpx (vpx_codec_enc_cfg_t, vpx_codec_ctx_t, vpx_image_t) grow from version to
 * version, and its controls are macros. Here they are compiled against the headers that are there;
 * what src/ffi.rs sees are the two structures below and functions, whose two sides must stay alike.
 *
 * Every function that returns int returns a vpx_codec_err_t, 0 when all is well, or -1 where libvpx
 * does. Pointers are never null unless it says so. An object is used by one thread at a time. What a
 * function hands out through a pointer belongs to the object, and is valid until its next call.
 */

#include <stdint.h>
#include <stdlib.h>

#define VPX_CODEC_DISABLE_COMPAT 1
#include <vpx/vp8cx.h>
#include <vpx/vp8dx.h>
#include <vpx/vpx_decoder.h>
#include <vpx/vpx_encoder.h>

/* A picture in I420. Both chromas have the same stride: libvpx reads V by that of U. */
struct lens_vpx_picture {
  const uint8_t *planes[3];
  uint32_t width;
  uint32_t height;
  int32_t luma_stride;
  int32_t chroma_stride;
};

/* An encoded frame; of length 0 when the picture was skipped. */
struct lens_vpx_frame {
  const uint8_t *data;
  size_t length;
};

struct lens_vpx_encoder {
  vpx_codec_ctx_t context;
  vpx_codec_enc_cfg_t config;
};

struct lens_vpx_decoder {
  vpx_codec_ctx_t context;
  const vpx_image_t *shown; /* null when the last frame has no picture to show */
};

/*
 * What never changes, in the spirit of WebRTC (modules/video_coding/codecs/vp8/libvpx_vp8_encoder.cc):
 * a camera, seen by people who talk with whoever holds it.
 */
static void configure(vpx_codec_enc_cfg_t *config) {
  config->g_pass = VPX_RC_ONE_PASS;
  config->g_lag_in_frames = 0; /* each picture leaves before the next one comes */
  config->g_threads = 1;       /* the caller's; more would have to be counted */
  /* Microseconds: vp8_cx_iface.c counts in tenths of them, so nothing is rounded. */
  config->g_timebase.num = 1;
  config->g_timebase.den = 1000000;
  /* Lost packets are sent again, and after a gap a keyframe is asked for. Resilience would have each
   * frame begin with the same probabilities, at a cost in every frame, for a loss that is repaired;
   * and nobody between leaves frames out of a stream without layers. */
  config->g_error_resilient = 0;
  config->kf_mode = VPX_KF_DISABLED; /* when asked for, and at no other time: each costs a burst */
  config->rc_end_usage = VPX_CBR;
  /* How much may wait at a link of just this rate, in ms of bits. Smaller: a keyframe has no room, and
   * pictures are skipped after it. Larger: the delay that people hear. */
  config->rc_buf_initial_sz = 500;
  config->rc_buf_optimal_sz = 600;
  config->rc_buf_sz = 1000;
  config->rc_undershoot_pct = 100; /* a still picture may take as little as it needs */
  config->rc_overshoot_pct = 15;   /* one that moves takes a little more than its share, for a while */
  /* Quantizers, 0 to 63. Finer than 2 shows no more; coarser than 56 shows blocks, and a picture left
   * out is the smaller evil. */
  config->rc_min_quantizer = 2;
  config->rc_max_quantizer = 56;
  config->rc_dropframe_thresh = 30; /* pictures are skipped below this percentage of the buffer */
  config->rc_resize_allowed = 0;    /* the size is the host's to choose */
}

/* What follows the rate. A keyframe may have the bits of KEYFRAME_MS: half of the optimal buffer, as
 * WebRTC has it; given in percent of a picture's share, and at least three pictures' worth. */
#define KEYFRAME_MS 300
static int follow(struct lens_vpx_encoder *self, uint32_t fps) {
  const uint32_t percent = KEYFRAME_MS * fps / 10;
  return vpx_codec_control(&self->context, VP8E_SET_MAX_INTRA_BITRATE_PCT,
                           percent < 300 ? 300 : percent);
}

static int control(struct lens_vpx_encoder *self, int speed) {
  vpx_codec_ctx_t *const context = &self->context;
  int code = vpx_codec_control(context, VP8E_SET_CPUUSED, speed);
  /* Denoising smooths what the technician came to see, and costs a third more. */
  if (!code) code = vpx_codec_control(context, VP8E_SET_NOISE_SENSITIVITY, 0);
  /* Blocks that differ from the one before by next to nothing are not coded: a camera on a table. */
  if (!code) code = vpx_codec_control(context, VP8E_SET_STATIC_THRESHOLD, 1);
  /* More partitions serve decoders of several threads, and cost bytes in every frame. */
  if (!code)
    code = vpx_codec_control(context, VP8E_SET_TOKEN_PARTITIONS, (int)VP8_ONE_TOKENPARTITION);
  /* No frames that are never shown: they would need a look ahead. */
  if (!code) code = vpx_codec_control(context, VP8E_SET_ENABLEAUTOALTREF, 0u);
  return code;
}

void lens_vpx_encoder_free(struct lens_vpx_encoder *self) {
  vpx_codec_destroy(&self->context);
  free(self);
}

/* `speed` is libvpx's cpu_used, -16 to -1. On success `made` has an encoder that somebody frees. */
int lens_vpx_encoder_new(uint32_t width, uint32_t height, uint32_t kbps, uint32_t fps, int32_t speed,
                         struct lens_vpx_encoder **made) {
  struct lens_vpx_encoder *const self = calloc(1, sizeof *self);
  if (!self) return VPX_CODEC_MEM_ERROR;
  int code = vpx_codec_enc_config_default(vpx_codec_vp8_cx(), &self->config, 0);
  if (!code) {
    configure(&self->config);
    self->config.g_w = width;
    self->config.g_h = height;
    self->config.rc_target_bitrate = kbps;
    code = vpx_codec_enc_init(&self->context, vpx_codec_vp8_cx(), &self->config, 0);
  }
  if (code) {
    free(self);
    return code;
  }
  code = control(self, speed);
  if (!code) code = follow(self, fps);
  if (code) {
    lens_vpx_encoder_free(self);
    return code;
  }
  *made = self;
  return 0;
}

int lens_vpx_encoder_rate(struct lens_vpx_encoder *self, uint32_t kbps, uint32_t fps) {
  self->config.rc_target_bitrate = kbps;
  const int code = vpx_codec_enc_config_set(&self->context, &self->config);
  return code ? code : follow(self, fps);
}

/* `at` grows from call to call, and stays below 2^59; both in microseconds. */
int lens_vpx_encoder_encode(struct lens_vpx_encoder *self, const struct lens_vpx_picture *picture,
                            int64_t at, uint32_t lasts, int32_t keyframe,
                            struct lens_vpx_frame *frame) {
  vpx_image_t image;
  /* The cast: libvpx copies what it is given (vp8_lookahead_push), and writes nothing to it. */
  uint8_t *const luma = (uint8_t *)picture->planes[0];
  if (!vpx_img_wrap(&image, VPX_IMG_FMT_I420, picture->width, picture->height, 1, luma))
    return VPX_CODEC_INVALID_PARAM;
  image.planes[VPX_PLANE_U] = (uint8_t *)picture->planes[1];
  image.planes[VPX_PLANE_V] = (uint8_t *)picture->planes[2];
  image.stride[VPX_PLANE_Y] = picture->luma_stride;
  image.stride[VPX_PLANE_U] = picture->chroma_stride;
  image.stride[VPX_PLANE_V] = picture->chroma_stride;
  const vpx_enc_frame_flags_t flags = keyframe ? VPX_EFLAG_FORCE_KF : 0;
  const int code =
      vpx_codec_encode(&self->context, &image, at, lasts, flags, VPX_DL_REALTIME);
  if (code) return code;
  frame->data = NULL;
  frame->length = 0;
  vpx_codec_iter_t position = NULL;
  for (const vpx_codec_cx_pkt_t *packet;
       (packet = vpx_codec_get_cx_data(&self->context, &position));) {
    if (packet->kind != VPX_CODEC_CX_FRAME_PKT) continue;
    if (frame->length) return VPX_CODEC_ERROR; /* one picture is one frame, by configure() */
    frame->data = packet->data.frame.buf;
    frame->length = packet->data.frame.sz;
  }
  return 0;
}

/* More about the last call that failed; null when there is nothing to add. */
const char *lens_vpx_encoder_detail(struct lens_vpx_encoder *self) {
  return vpx_codec_error_detail(&self->context);
}

void lens_vpx_decoder_free(struct lens_vpx_decoder *self) {
  vpx_codec_destroy(&self->context);
  free(self);
}

/* On success `made` has a decoder that somebody frees. */
int lens_vpx_decoder_new(struct lens_vpx_decoder **made) {
  struct lens_vpx_decoder *const self = calloc(1, sizeof *self);
  if (!self) return VPX_CODEC_MEM_ERROR;
  const vpx_codec_dec_cfg_t config = { .threads = 1, .w = 0, .h = 0 };
  /* No flags: neither conceals errors, nor improves the picture behind the sender's back. */
  const int code = vpx_codec_dec_init(&self->context, vpx_codec_vp8_dx(), &config, 0);
  if (code) {
    free(self);
    return code;
  }
  *made = self;
  return 0;
}

/* Decodes a whole frame of at least one byte. */
int lens_vpx_decoder_decode(struct lens_vpx_decoder *self, const uint8_t *data, uint32_t length) {
  self->shown = NULL;
  int code = vpx_codec_decode(&self->context, data, length, NULL, 0);
  if (code) return code;
  /* A last partition that was cut off decodes, to something; so does what builds upon it. */
  int corrupted = 0;
  code = vpx_codec_control(&self->context, VP8D_GET_FRAME_CORRUPTED, &corrupted);
  if (code) return code;
  if (corrupted) return VPX_CODEC_CORRUPT_FRAME;
  vpx_codec_iter_t position = NULL;
  self->shown = vpx_codec_get_frame(&self->context, &position);
  return 0;
}

/* The last frame's picture, or one of width 0 when it has none to show. */
int lens_vpx_decoder_picture(const struct lens_vpx_decoder *self, struct lens_vpx_picture *picture) {
  const vpx_image_t *const image = self->shown;
  picture->width = 0;
  if (!image) return 0;
  const int *const strides = image->stride;
  if (image->fmt != VPX_IMG_FMT_I420 || strides[VPX_PLANE_U] != strides[VPX_PLANE_V])
    return VPX_CODEC_UNSUP_FEATURE;
  picture->width = image->d_w;
  picture->height = image->d_h;
  picture->luma_stride = strides[VPX_PLANE_Y];
  picture->chroma_stride = strides[VPX_PLANE_U];
  for (int plane = 0; plane < 3; ++plane) picture->planes[plane] = image->planes[plane];
  return 0;
}

/* More about the last call that failed; null when there is nothing to add. */
const char *lens_vpx_decoder_detail(struct lens_vpx_decoder *self) {
  return vpx_codec_error_detail(&self->context);
}

/* What a code means; never null. */
const char *lens_vpx_meaning(int32_t code) {
  return vpx_codec_err_to_string((vpx_codec_err_t)code);
}
