// Checked by `tsc`, never run: the modules are what index.d.ts says, and it says what programs
// need.

import type * as declared from '../index.js';
import type * as built from '../src/index.js';

type Assignable<From extends To, To> = From;

// What src/ builds can stand for what index.d.ts declares, constructors included.
export type Exports = [
  Assignable<InstanceType<typeof built.Participant>, Untyped<declared.Participant>>,
  Assignable<InstanceType<typeof built.SignalingClient>, Untyped<declared.SignalingClient>>,
  Assignable<
    ConstructorParameters<typeof declared.Participant>[0],
    ConstructorParameters<typeof built.Participant>[0]
  >,
  Assignable<
    ConstructorParameters<typeof declared.SignalingClient>[0],
    ConstructorParameters<typeof built.SignalingClient>[0]
  >,
  Assignable<typeof built.LensError, typeof declared.LensError>,
  Assignable<typeof built.ERROR_CODES, typeof declared.ERROR_CODES>,
  Assignable<typeof built.readSessionLink, typeof declared.readSessionLink>,
  Assignable<typeof built.deriveLinkSecrets, typeof declared.deriveLinkSecrets>,
  // Nothing is exported without a declaration, or declared without an export.
  Assignable<keyof typeof built, keyof typeof declared>,
  Assignable<keyof typeof declared, keyof typeof built>,
];

// Event listeners are typed only in the declaration.
type Untyped<Face> = Omit<Face, 'addEventListener' | 'removeEventListener' | 'participants' | 'networkFor'>;

export function program(participant: declared.Participant, signaling: declared.SignalingClient) {
  participant.addEventListener('track', ({ detail }) => detail.stream.getTracks());
  participant.addEventListener('statechange', ({ detail }) => detail.code?.length);
  signaling.addEventListener('signal', ({ detail }) => detail.kind.length);
  // @ts-expect-error a misspelt event does not compile
  participant.addEventListener('tracks', () => {});
  participant.setPictureSize({ height: 360 });
  participant.setPictureSize(null);
  // @ts-expect-error a size has a height
  participant.setPictureSize({ width: 640 });
  return participant.publish(new MediaStreamTrack());
}
