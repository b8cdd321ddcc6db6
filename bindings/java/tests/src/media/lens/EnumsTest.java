package media.lens;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertSame;

import org.junit.jupiter.api.Test;

/** Numbers and names that other faces have, too. */
class EnumsTest {
    @Test
    void codesAreFoundByNumberAndByTheServersName() {
        for (Code code : Code.values()) {
            assertSame(code, Code.of(code.status()));
        }
        assertSame(Code.SERVER_INTERNAL, Code.ofServer("internal"));
        assertSame(Code.STALE_GENERATION, Code.ofServer("stale_generation"));
        assertNull(Code.ofServer("would_block"));
        assertNull(Code.of(0));
    }

    @Test
    void aCodeOfANewerLibraryIsStillAnException() {
        LensException newer = new LensException(77, "of tomorrow");
        assertEquals(Code.INTERNAL, newer.code());
        assertEquals(77, newer.status());
    }

    @Test
    void aNumberOutsideAnEnumIsNull() {
        assertNull(Codec.of(-1));
        assertNull(Codec.of(3));
        assertSame(Codec.OPUS, Codec.of(2));
        assertSame(State.FAILED, Packed.state((98L << 32) | 5));
        assertSame(Code.INTERNAL, Packed.failure((98L << 32) | 5));
        assertSame(Code.SERVER_INTERNAL, Packed.failure((-501L << 32) | 5));
    }
}
