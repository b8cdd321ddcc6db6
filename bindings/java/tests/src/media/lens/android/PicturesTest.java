package media.lens.android;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

/** What the Android module reckons: all of it that can be run without a device. */
class PicturesTest {
    @Test
    void theRateIsTheNearestThatIsNotBeyond() {
        int[][] ranges = {{15, 15}, {7, 30}, {30, 30}, {15, 24}, {60, 60}};
        assertEquals(1, Pictures.rates(ranges, 30));
        assertEquals(3, Pictures.rates(ranges, 29));
        assertEquals(0, Pictures.rates(ranges, 15));
        assertEquals(0, Pictures.rates(ranges, 5));
        assertEquals(4, Pictures.rates(ranges, 120));
        assertEquals(-1, Pictures.rates(new int[0][], 30));
    }

    @Test
    void timesRiseAlsoWhenTheNextCameraCountsFromElsewhere() {
        Pictures.Times times = new Pictures.Times();
        assertEquals(5_000_000, times.rising(5_000_000));
        assertEquals(5_033_000, times.rising(5_033_000));
        assertEquals(5_033_001, times.rising(70_000));
        assertEquals(5_066_001, times.rising(103_000));
        assertEquals(5_066_002, times.rising(103_000));
    }
}
