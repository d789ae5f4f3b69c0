package dev.libretto.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.libretto.LibrettoException;
import java.io.ByteArrayInputStream;
import java.nio.CharBuffer;
import java.text.Normalizer;
import java.text.Normalizer.Form;
import java.util.Arrays;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class NormalizationTest {
    /** Marks of several classes, Hangul letters and syllables, kana and their half-width marks, ligatures, an emoji. */
    private static final int[] COMBINING = ("ae\n" + "\u0301\u0323\u0345\u0327\u0344" + "\u00e9\u1ec7\u0390" + "각가각ㅏ"
                    + "かが゛\u3099ｶﾞﾟ" + "ﬁ①\u212b\u2126" + "\u0b47\u0b3e\u09c7\u09be" + "😀\ud834\udd57\ud834\udd65")
            .codePoints()
            .toArray();

    @ParameterizedTest
    @EnumSource
    void piecesGiveTheSameAsTheWhole(Normalization form) throws LibrettoException {
        for (int seed = 0; seed < 20_000; seed++) {
            RandomGenerator random = new SplittableRandom(seed);
            int[] codePoints = random.ints(1 + random.nextInt(30), 0, COMBINING.length)
                    .map(i -> COMBINING[i])
                    .toArray();
            String text = new String(codePoints, 0, codePoints.length);
            StreamNormalizer normalizer = new StreamNormalizer(form, "test");
            StringBuilder read = new StringBuilder();
            int start = 0;
            while (start < text.length()) {
                // Surrogates are separated, too.
                int end = Math.min(text.length(), start + 1 + random.nextInt(4));
                read.append(normalizer.add(CharBuffer.wrap(text, start, end), false));
                start = end;
            }
            read.append(normalizer.add(CharBuffer.allocate(0), true));
            assertThat(read.toString()).as("seed %d", seed).isEqualTo(form.apply(text));
        }
    }

    /** What a boundary rests on, for every character: it is not reordered, and nothing composes with it from before. */
    @ParameterizedTest
    @EnumSource(names = "NONE", mode = EnumSource.Mode.EXCLUDE)
    void noCharacterCombinesAcrossABoundary(Normalization form) {
        // U+0345 has the highest combining class.
        String before = form.apply("\u03b1\u0345");
        IntStream.rangeClosed(0, Character.MAX_CODE_POINT)
                .filter(Character::isDefined)
                .filter(codePoint -> Character.getType(codePoint) != Character.SURROGATE)
                .forEach(codePoint -> {
                    String character = Character.toString(codePoint);
                    if (form.isBoundary(codePoint)) {
                        assertThat(form.apply(before + character))
                                .as("U+%04X", codePoint)
                                .isEqualTo(before + form.apply(character));
                    }
                    String parts = Normalizer.normalize(character, Form.NFD);
                    if (Normalizer.normalize(parts, Form.NFC).equals(character)) {
                        assertThat(parts.codePoints().skip(1).filter(form::isBoundary))
                                .as("what U+%04X is composed of", codePoint)
                                .isEmpty();
                    }
                });
    }

    /** A newline may still combine with what follows, at the end of a block, too. */
    @ParameterizedTest
    @EnumSource
    void lineOfABadByteIsCounted(Normalization form) {
        for (int newlineAt : new int[] {1, 65_535}) {
            byte[] bytes = new byte[newlineAt + 2];
            Arrays.fill(bytes, (byte) 'a');
            bytes[newlineAt] = '\n';
            bytes[newlineAt + 1] = (byte) 0xff;
            CodePointReader reader = new CodePointReader(
                    new ByteArrayInputStream(bytes), CorpusOptions.WHOLE_TEXT.withNormalization(form), "a.txt");

            assertThatThrownBy(() -> reader.read(new int[bytes.length], bytes.length))
                    .hasMessageStartingWith(
                            "a.txt is not UTF-8: in line 2, the byte 0xff at offset " + (newlineAt + 1));
        }
    }

    @Test
    void endlessCombiningCharactersAreNotText() {
        StreamNormalizer normalizer = new StreamNormalizer(Normalization.NFC, "zalgo.txt");
        CharBuffer marks = CharBuffer.wrap("\u0301".repeat(40_000));

        assertThatThrownBy(() -> {
                    normalizer.add(marks.duplicate(), false);
                    normalizer.add(marks, false);
                })
                .isInstanceOf(LibrettoException.class)
                .hasMessageStartingWith("zalgo.txt has more than 65536 combining characters in a row");
    }
}
