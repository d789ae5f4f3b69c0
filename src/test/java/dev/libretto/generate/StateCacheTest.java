package dev.libretto.generate;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.junit.jupiter.api.Test;

class StateCacheTest {
    private static final long ENTRY = new StateCache.Kept(new int[1], state(0)).bytes();

    private static List<float[]> state(int value) {
        return List.of(new float[] {value});
    }

    /** Short texts of two letters, so that many begin with others. */
    @Test
    void longestBeginningIsFound() {
        Random random = new Random(1);
        for (int trial = 0; trial < 200; trial++) {
            StateCache cache = new StateCache(1 << 20);
            List<int[]> texts = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                int[] text = random.ints(1 + random.nextInt(7), 0, 2).toArray();
                texts.add(text);
                cache.keep(text, state(Arrays.hashCode(text)));
            }
            for (int i = 0; i < 50; i++) {
                int[] text = random.ints(random.nextInt(9), 0, 2).toArray();
                Optional<int[]> expected = texts.stream()
                        .filter(kept -> kept.length <= text.length)
                        .filter(kept -> Arrays.equals(kept, Arrays.copyOf(text, kept.length)))
                        .max(Comparator.comparing(kept -> kept.length));
                StateCache.Kept found = cache.find(text);
                assertThat(found == null ? null : found.text()).isEqualTo(expected.orElse(null));
                if (found != null) {
                    assertThat(found.state().get(0)).containsExactly(Arrays.hashCode(found.text()));
                }
            }
            assertThat(cache.hits() + cache.misses()).isEqualTo(50);
        }
    }

    @Test
    void leastRecentlyUsedIsDropped() {
        StateCache cache = new StateCache(3 * ENTRY);
        for (int id = 0; id < 3; id++) {
            cache.keep(new int[] {id}, state(id));
        }
        assertThat(cache.find(0, 5)).isNotNull();
        cache.keep(new int[] {1}, state(1));
        cache.keep(new int[] {3}, state(3));
        assertThat(cache.find(2)).isNull();
        assertThat(List.of(cache.find(0), cache.find(1), cache.find(3)))
                .extracting(kept -> kept.state().get(0)[0])
                .containsExactly(0f, 1f, 3f);
        assertThat(cache.size()).isEqualTo(3);
        assertThat(cache.bytes()).isEqualTo(3 * ENTRY);
    }

    /** Texts count as well as states. */
    @Test
    void bytesAreBounded() {
        StateCache cache = new StateCache(10_000);
        Random random = new Random(1);
        for (int i = 0; i < 1000; i++) {
            cache.keep(random.ints(1 + random.nextInt(3000), 0, 5).toArray(), state(i));
            assertThat(cache.bytes()).isBetween(i == 0 ? 0L : ENTRY, 10_000L);
        }
        // One that exceeds the bound drops none.
        int kept = cache.size();
        cache.keep(new int[3000], state(0));
        assertThat(cache.size()).isEqualTo(kept);
        assertThat(cache.find(new int[3000])).isNull();
    }

    @Test
    void emptyTextIsNotKept() {
        StateCache cache = new StateCache(10_000);
        cache.keep(new int[0], state(0));
        assertThat(cache.find(1)).isNull();
        assertThat(cache.size()).isZero();
    }
}
