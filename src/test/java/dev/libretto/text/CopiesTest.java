package dev.libretto.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.random.RandomGenerator;
import org.junit.jupiter.api.Test;

class CopiesTest {
    private static final String POEM = "床前明月光，疑是地上霜。举头望明月，低头思故乡。the moon is bright before my bed😀";

    @Test
    void findsTheLongestCopyAndWhereItStands() throws Exception {
        Copies copies = Copies.of("x举头望明月，低头思y", Corpus.of(POEM));

        assertThat(copies).isEqualTo(new Copies(11, 0, 1, 9, 12));
        assertThat(POEM.substring(12)).startsWith("举头望明月，低头思");
    }

    @Test
    void countsCharactersInLongStretches() throws Exception {
        String twenty = "the moon is bright b";
        String nineteen = "moon is bright befo";

        assertThat(Copies.of(twenty, Corpus.of(POEM)).copied()).isEqualTo(20);
        assertThat(Copies.of(nineteen, Corpus.of(POEM)).copied()).isZero();
        assertThat(Copies.of(twenty + "?" + nineteen + "?" + twenty, Corpus.of(POEM)))
                .returns(61, Copies::characters)
                .returns(40L, Copies::copied)
                .returns(40 / 61.0, Copies::fraction);
        assertThat(Copies.of(POEM, Corpus.of(POEM)))
                .as("an emoji is one character")
                .returns(1.0, Copies::fraction)
                .returns(POEM.length() - 1, Copies::length);
    }

    @Test
    void textsWithNothingInCommonHaveNoCopy() throws Exception {
        assertThat(Copies.of("abc", Corpus.of("xyz"))).isEqualTo(new Copies(3, 0, 0, 0, 0));
        assertThat(Copies.of("", Corpus.of("xyz"))).isEqualTo(new Copies(0, 0, 0, 0, 0));
        // Neither of which is equal to the other, nor to itself.
        assertThat(Copies.find(List.of(new int[] {Ids.NONE}), Ids.of(Ids.NONE), position -> {}))
                .containsExactly(new Copies(1, 0, 0, 0, 0));
    }

    @Test
    void isWhatComparingEveryPairOfPositionsFinds() {
        for (int seed = 0; seed < 3_000; seed++) {
            RandomGenerator random = new SplittableRandom(seed);
            int letters = 1 + random.nextInt(4);
            Ids corpus = Ids.of(random.ints(1 + random.nextInt(200), 0, letters).toArray());
            List<int[]> texts = new ArrayList<>();
            for (int i = 0; i < 3; i++) {
                texts.add(text(random, letters, corpus));
            }
            List<Copies> copies = Copies.find(texts, corpus, position -> {});
            for (int i = 0; i < 3; i++) {
                assertSame(copies.get(i), texts.get(i), corpus);
            }
        }
    }

    /** Random letters, with pieces of the corpus. */
    private static int[] text(RandomGenerator random, int letters, Ids corpus) {
        int[] text = random.ints(random.nextInt(120), -1, letters).toArray();
        if (text.length > 0) {
            long from = random.nextLong(corpus.length());
            int at = random.nextInt(text.length);
            for (int i = 0; at + i < text.length && from + i < corpus.length(); i++) {
                text[at + i] = corpus.at(from + i);
            }
        }
        return text;
    }

    private static void assertSame(Copies copies, int[] text, Ids corpus) {
        boolean[] copied = new boolean[text.length];
        int longest = 0;
        for (int i = 0; i < text.length; i++) {
            for (long j = 0; j < corpus.length(); j++) {
                int length = 0;
                while (i + length < text.length
                        && j + length < corpus.length()
                        && text[i + length] == corpus.at(j + length)) {
                    length++;
                }
                longest = Math.max(longest, length);
                for (int k = i; length >= Copies.LONG && k < i + length; k++) {
                    copied[k] = true;
                }
            }
        }
        int count = 0;
        for (boolean each : copied) {
            count += each ? 1 : 0;
        }
        assertThat(copies.characters()).isEqualTo(text.length);
        assertThat(copies.length()).isEqualTo(longest);
        assertThat(copies.copied()).isEqualTo(count);
        for (int i = 0; i < longest; i++) {
            assertThat(corpus.at(copies.position() + i)).isEqualTo(text[copies.start() + i]);
        }
    }

    @Test
    void numberOfCharactersIsLimited() {
        assertThatThrownBy(() -> Copies.find(List.of(new int[Copies.MAX_CHARACTERS]), Ids.of(1), position -> {}))
                .hasMessage("the texts to compare have 4194305 characters; the limit is 4194304 at once");
    }
}
