package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class StopMatcherTest {
    /** Random texts of two letters. */
    @Test
    void matchesNaiveSearch() {
        Random random = new Random(1);
        for (int trial = 0; trial < 500; trial++) {
            int[] text = random.ints(1 + random.nextInt(6), 0, 2).toArray();
            StopMatcher matcher = new StopMatcher(text);
            StringBuilder stream = new StringBuilder();
            while (!matcher.isFound() && stream.length() < 100) {
                int id = random.nextInt(2);
                stream.append(id);
                assertThat(matcher.accept(id)).isEqualTo(longest(text, stream.toString()));
            }
            assertThat(matcher.isFound()).isEqualTo(stream.toString().endsWith(string(text, text.length)));
        }
    }

    @Test
    void emptyTextIsNeverFound() {
        StopMatcher matcher = new StopMatcher(new int[0]);
        for (int id : List.of(1, 2)) {
            assertThat(matcher.accept(id)).isZero();
            assertThat(matcher.isFound()).isFalse();
        }
    }

    private static int longest(int[] text, String stream) {
        return IntStream.rangeClosed(0, text.length)
                .filter(length -> stream.endsWith(string(text, length)))
                .max()
                .orElseThrow();
    }

    private static String string(int[] text, int length) {
        StringBuilder string = new StringBuilder();
        IntStream.range(0, length).forEach(i -> string.append(text[i]));
        return string.toString();
    }
}
