package dev.libretto.generate;

import dev.libretto.model.ModelConfig;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;

/**
 * The batch sizes at which a model computes a row to the same bits, at every position and whatever the other rows are (He et al.,
 * "Defeating Nondeterminism in LLM Inference", 2025). Kernels differ by the number of rows, and some compute the last rows of a
 * batch differently, so this is measured. A single row is one of them only with {@link TextModel#forBatches}.
 *
 * @param sizes ascending
 * @param readsAlike whether {@link TextModel#read} has the bits of steps
 * @param writesAlike whether {@link TextModel#writeGreedily} has the bits of steps
 */
record BatchInvariance(int[] sizes, boolean readsAlike, boolean writesAlike) {
    private static final int[] CANDIDATES = {1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256};
    /** Sizes up to this one are always compared, so that what is written does not depend on how many rows there may be. */
    private static final int ALWAYS = 64;
    /** A request alone needs a batch of at most so many rows to be fast. */
    private static final int SMALL = 8;
    /** Enough values that kernels which round differently differ in one. */
    private static final int VALUES = 2048;

    /** A character, the state before it, and what the model computed. */
    private record Computed(float[] logits, List<float[]> state) {
        boolean isSame(Computed other) {
            boolean same = Arrays.equals(logits, other.logits);
            for (int i = 0; i < state.size(); i++) {
                same &= Arrays.equals(state.get(i), other.state.get(i));
            }
            return same;
        }
    }

    /** Sizes that compute the same. */
    private record Group(List<Computed> computed, List<Integer> sizes) {
        boolean isOf(List<Computed> other) {
            for (int i = 0; i < computed.size(); i++) {
                if (!computed.get(i).isSame(other.get(i))) {
                    return false;
                }
            }
            return true;
        }

        long count() {
            return sizes.stream().filter(size -> size <= ALWAYS).count();
        }

        int most() {
            return sizes.get(sizes.size() - 1);
        }

        boolean hasSmall() {
            return sizes.get(0) <= SMALL;
        }
    }

    /** @param mostRows the most rows that will be computed at once */
    static BatchInvariance of(TextModel model, int mostRows) {
        List<Group> groups = new ArrayList<>();
        for (int size : CANDIDATES) {
            List<Computed> computed = compute(model, size);
            if (computed != null) {
                groups.stream()
                        .filter(each -> each.isOf(computed))
                        .findFirst()
                        .orElseGet(() -> {
                            Group found = new Group(computed, new ArrayList<>());
                            groups.add(found);
                            return found;
                        })
                        .sizes()
                        .add(size);
            }
            if (size >= Math.max(mostRows, ALWAYS)) {
                break;
            }
        }
        int[] sizes = groups.stream()
                .max(Comparator.comparing(Group::hasSmall)
                        .thenComparing(Group::count)
                        .thenComparing(Group::most))
                .map(each -> each.sizes().stream().mapToInt(size -> size).toArray())
                .orElse(new int[] {1});
        // One row may have a graph of its own. For several, a graph of many time steps has the operations of
        // single steps, on the same shapes.
        int[] compared = Arrays.copyOf(sizes, Math.min(2, sizes.length));
        return new BatchInvariance(
                sizes,
                Arrays.stream(compared).allMatch(size -> readsAlike(model, size)),
                Arrays.stream(compared).allMatch(size -> writesAlike(model, size)));
    }

    /** Returns what is computed of each of some rows at every position of a batch; null if it depends on the position. */
    private static List<Computed> compute(TextModel model, int size) {
        ModelConfig config = model.config();
        Random random = new Random(1);
        List<Computed> all = new ArrayList<>();
        for (int values = 0; values < VALUES; ) {
            List<float[]> two = randomState(model, 2, random);
            int[] ids = random.ints(2, 0, config.vocabularySize()).toArray();
            Computed[] ofRow = new Computed[2];
            // The two rows alternate, so that each is at every position once.
            for (int shift = 0; shift < 2; shift++) {
                int[] rows = new int[size];
                int[] batch = new int[size];
                for (int i = 0; i < size; i++) {
                    rows[i] = (i + shift) % 2;
                    batch[i] = ids[rows[i]];
                }
                TextModel.Step step = model.step(batch, PrefixReader.selectRows(two, 2, rows));
                List<float[]> state = List.copyOf(step.state());
                for (int i = 0; i < size; i++) {
                    Computed here =
                            new Computed(step.ofRow(i, size), PrefixReader.selectRows(state, size, new int[] {i}));
                    if (ofRow[rows[i]] == null) {
                        ofRow[rows[i]] = here;
                        values += config.vocabularySize() + config.states() * config.hiddenSize();
                    } else if (!ofRow[rows[i]].isSame(here)) {
                        return null;
                    }
                }
            }
            all.addAll(List.of(ofRow));
        }
        return all;
    }

    private static List<float[]> randomState(TextModel model, int rows, Random random) {
        List<float[]> state = model.zeroState(rows);
        for (float[] array : state) {
            for (int i = 0; i < array.length; i++) {
                array[i] = (float) Math.tanh(random.nextGaussian());
            }
        }
        return state;
    }

    private static boolean readsAlike(TextModel model, int size) {
        Random random = new Random(2);
        int[][] text = new int[DecodingGraph.STEPS][];
        for (int t = 0; t < text.length; t++) {
            text[t] = random.ints(size, 0, model.config().vocabularySize()).toArray();
        }
        List<float[]> before = randomState(model, size, random);
        List<float[]> read = List.copyOf(model.read(text, before));
        List<float[]> stepped = before;
        for (int[] timeStep : text) {
            stepped = model.step(timeStep, stepped).state();
        }
        return isSame(read, List.copyOf(stepped));
    }

    private static boolean writesAlike(TextModel model, int size) {
        Random random = new Random(3);
        int[] last = random.ints(size, 0, model.config().vocabularySize()).toArray();
        List<float[]> state = randomState(model, size, random);
        TextModel.Written written = model.writeGreedily(last, state, false, DecodingGraph.FEW_STEPS);
        List<float[]> after = List.copyOf(written.state());
        for (ScoredCharacter[] characters : written.characters()) {
            TextModel.Step step = model.step(last, state);
            for (int row = 0; row < size; row++) {
                last[row] = Logits.argMax(step.ofRow(row, size));
                if (last[row] != characters[row].id()) {
                    return false;
                }
            }
            state = List.copyOf(step.state());
        }
        return isSame(after, state);
    }

    private static boolean isSame(List<float[]> some, List<float[]> others) {
        return new Computed(new float[0], some).isSame(new Computed(new float[0], others));
    }

    /** Returns how many rows to compute for so many, at most {@link #most}. */
    int sizeFor(int rows) {
        int index = Arrays.binarySearch(sizes, rows);
        return sizes[index < 0 ? ~index : index];
    }

    /** Returns the most rows that can be computed at once. */
    int most() {
        return sizes[sizes.length - 1];
    }
}
