package dev.libretto.text;

import java.util.Locale;

/**
 * Cuts a text into batches of B rows and T time steps. Consecutive and random sampling are those of <em>Dive into Deep
 * Learning</em>, section "Language Models and the Dataset". Characters that do not fill a batch are left over: at the end of the
 * text, or with shifted sampling at its beginning and end.
 */
public final class Batches {
    /** How a text is cut into batches. */
    public enum Sampling {
        /** The text is split into B rows; each batch continues the previous one, and the hidden state carries over. */
        CONSECUTIVE,
        /**
         * As consecutive sampling, but each epoch begins at another position, drawn at random; the beginning of the text follows its
         * end. So the characters of a batch, and where its windows end, differ from epoch to epoch.
         */
        SHIFTED,
        /** Windows in random order, reshuffled each epoch; every batch starts from a zero state. */
        RANDOM;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * One time-major batch: element {@code t * B + b} is time step t of row b.
     *
     * @param inputs character ids {@code [T, B]}
     * @param targets the id that follows each input, {@code [T, B]}
     * @param continues whether each row continues the same row of the previous batch, so that the state carries over
     * @param starts the position in the text of each row's first input, {@code [B]}
     */
    public record Batch(int[] inputs, int[] targets, boolean continues, long[] starts) {}

    private final Ids ids;
    private final int batchSize;
    private final int seqLength;
    private final Sampling sampling;
    private final long seed;
    private final int count;

    /**
     * @param batchSize B, rows in a batch
     * @param seqLength T, time steps in a batch
     * @param seed shifted and random sampling draw by the seed and the epoch
     */
    public Batches(Ids ids, int batchSize, int seqLength, Sampling sampling, long seed) {
        this.ids = ids;
        this.batchSize = batchSize;
        this.seqLength = seqLength;
        this.sampling = sampling;
        this.seed = seed;
        long count = switch (sampling) {
            case CONSECUTIVE -> (rowLength() - 1) / seqLength;
            case SHIFTED, RANDOM -> windows() / batchSize;
        };
        if (count <= 0) {
            throw new IllegalArgumentException(tooShort());
        }
        if (count > Integer.MAX_VALUE) {
            throw new IllegalArgumentException("an epoch would have " + count + " batches; the limit is "
                    + Integer.MAX_VALUE + "; use a larger batch size or sequence length");
        }
        this.count = (int) count;
    }

    public Ids ids() {
        return ids;
    }

    public int count() {
        return count;
    }

    public long charsPerEpoch() {
        return (long) count() * batchSize * seqLength;
    }

    /** Returns the batches of an epoch; their order depends only on the seed and the epoch. */
    public Epoch epoch(int epoch) {
        return new Epoch(epoch);
    }

    public final class Epoch {
        private final int number;
        /** The order of the windows of random sampling. */
        private final Permutation windows;
        /** The window of shifted sampling that the first row begins with. */
        private final long first;
        /** Where the windows of shifted sampling begin in the text. */
        private final long offset;

        private Epoch(int number) {
            this.number = number;
            // Nearby seeds give nearby keys; the odd factor keeps the epochs of different seeds apart.
            windows = new Permutation(windows(), seed + CounterRandom.GOLDEN * (number + 1L));
            first = (long) (CounterRandom.uniform(seed, number, 0) * batchSize * count);
            offset = (long) (CounterRandom.uniform(seed, number, 1) * (ids.length() - charsPerEpoch()));
        }

        /** Returns the epoch, counted from 0. */
        public int number() {
            return number;
        }

        public int count() {
            return count;
        }

        /** Returns batch {@code index}, at least 0 and less than {@link #count()}. */
        public Batch batch(int index) {
            int[] inputs = new int[seqLength * batchSize];
            int[] targets = new int[seqLength * batchSize];
            long[] starts = new long[batchSize];
            for (int row = 0; row < batchSize; row++) {
                long start = start(row, index);
                starts[row] = start;
                for (int t = 0; t < seqLength; t++) {
                    inputs[t * batchSize + row] = ids.at(start + t);
                    targets[t * batchSize + row] = ids.at(start + t + 1);
                }
            }
            return new Batch(inputs, targets, sampling != Sampling.RANDOM && index > 0, starts);
        }

        private long start(int row, long index) {
            return switch (sampling) {
                case CONSECUTIVE -> row * rowLength() + index * seqLength;
                case SHIFTED -> (first + (long) row * count + index) % ((long) batchSize * count) * seqLength + offset;
                case RANDOM -> windows.at(index * batchSize + row) * seqLength;
            };
        }
    }

    private long rowLength() {
        return ids.length() / batchSize;
    }

    private long windows() {
        return (ids.length() - 1) / seqLength;
    }

    private static String counted(long n, String unit) {
        return n + " " + unit + (n == 1 ? "" : "s");
    }

    private String tooShort() {
        long needed = sampling == Sampling.CONSECUTIVE
                ? (long) batchSize * (seqLength + 1)
                : (long) batchSize * seqLength + 1;
        String message = String.format(
                Locale.ROOT,
                "the text has %s, too short for one batch of %s of %s (%s)",
                counted(ids.length(), "character"),
                counted(batchSize, "row"),
                counted(seqLength, "time step"),
                counted(needed, "character"));
        long rows = ids.length() / (seqLength + 1);
        if (rows >= 1) {
            return message + "; a batch size of " + rows + " fits";
        }
        return ids.length() < 2
                ? message + "; at least 2 characters are needed"
                : message + "; a batch size of 1 and a sequence length of " + (ids.length() - 1) + " fit";
    }
}
