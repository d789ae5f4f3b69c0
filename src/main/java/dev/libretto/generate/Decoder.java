package dev.libretto.generate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Continues texts with a model: all of them as one batch, a row for each. */
public final class Decoder {
    /**
     * How a text is continued.
     *
     * @param length how many characters are written at most
     * @param sampler chooses each of them
     * @param seed what chance follows from: it is a function of the seed, the number of the sample and the position in it
     * @param stop the ids that end a text when they have been written; they are not part of it; empty for none
     * @param logProbabilities whether the listener gets the log-probability of each character
     */
    public record Options(int length, Sampler sampler, long seed, int[] stop, boolean logProbabilities) {
        /** So many characters, each the most likely one. */
        public static Options greedy(int length) {
            return new Options(length, Sampler.GREEDY, 0, new int[0], false);
        }

        /** @throws IllegalArgumentException if the length is negative */
        public Options {
            if (length < 0) {
                throw new IllegalArgumentException("length is " + length + "; it must be at least 0");
            }
        }
    }

    /** Takes what is written. */
    @FunctionalInterface
    public interface Listener {
        /**
         * A new character, told as soon as it is known to be part of the text.
         *
         * @param row its text: sample s of prefix p is row {@code p · samples + s}
         * @param logProbability the natural logarithm of the probability that the model gives it, before temperature and
         *     cuts; 0 if nobody asked
         */
        void written(int row, int id, float logProbability);
    }

    private final TextModel model;

    /** @param model what to write with; the caller closes it */
    public Decoder(TextModel model) {
        this.model = model;
    }

    /**
     * Continues one text greedily.
     *
     * @param prefix the character ids to start from, at least one
     * @param length how many characters to write
     * @param written takes the id of each new character as soon as it is known
     * @throws IllegalArgumentException if the prefix is empty
     */
    public void continueText(int[] prefix, int length, IntConsumer written) {
        write(List.of(prefix), 1, Options.greedy(length), (row, id, logProbability) -> written.accept(id));
    }

    /**
     * Continues texts.
     *
     * @param prefixes the character ids to start from, at least one in each
     * @param samples how often each is continued
     * @throws IllegalArgumentException if a prefix is empty
     */
    public void write(List<int[]> prefixes, int samples, Options options, Listener listener) {
        if (prefixes.stream().anyMatch(prefix -> prefix.length == 0)) {
            throw new IllegalArgumentException("the prefix is empty; it needs at least one character");
        }
        if (options.length() == 0 || prefixes.isEmpty()) {
            return;
        }
        int count = Math.multiplyExact(prefixes.size(), samples);
        List<Row> rows = new ArrayList<>();
        for (int row = 0; row < count; row++) {
            int[] prefix = prefixes.get(row / samples);
            rows.add(new Row(row, row % samples, prefix[prefix.length - 1], options, listener));
        }
        int[] prefixOfRow = IntStream.range(0, count).map(row -> row / samples).toArray();
        List<float[]> state = States.pick(new Primer(model, prefixes).prime(), prefixes.size(), prefixOfRow);
        while (!rows.isEmpty()) {
            state = writeUntilOneEnds(rows, state, options);
            int[] going = IntStream.range(0, rows.size())
                    .filter(i -> !rows.get(i).hasEnded())
                    .toArray();
            state = States.pick(state, rows.size(), going);
            rows.removeIf(Row::hasEnded);
        }
    }

    private List<float[]> writeUntilOneEnds(List<Row> rows, List<float[]> state, Options options) {
        int[] ids = rows.stream().mapToInt(row -> row.last).toArray();
        TextModel.Sink sink = (next, logProbabilities) -> {
            boolean all = true;
            for (int i = 0; i < next.length; i++) {
                rows.get(i).accept(next[i], logProbabilities == null ? 0 : logProbabilities[i]);
                all &= !rows.get(i).hasEnded();
            }
            return all;
        };
        if (options.sampler() == Sampler.GREEDY) {
            return model.writeGreedily(ids, state, options.logProbabilities(), sink);
        }
        StepLoop.Chooser chooser =
                (row, logits) -> options.sampler().sample(logits, rows.get(row).uniform());
        return new StepLoop(model, chooser, options.logProbabilities()).write(ids, state, sink);
    }

    /** A text that is being written. */
    private static final class Row {
        private final int number;
        private final int sample;
        private final Options options;
        private final Listener listener;
        private final StopMatcher stop;
        /** Characters that may turn out to be the stop text. */
        private final Queue<Character> held = new ArrayDeque<>();

        private int last;
        private int position;

        private record Character(int id, float logProbability) {}

        Row(int number, int sample, int last, Options options, Listener listener) {
            this.number = number;
            this.sample = sample;
            this.last = last;
            this.options = options;
            this.listener = listener;
            this.stop = new StopMatcher(options.stop());
        }

        /** The number from [0, 1) that chooses the next character. */
        double uniform() {
            return CounterRandom.uniform(options.seed(), sample, position);
        }

        boolean hasEnded() {
            return stop.isFound() || position == options.length();
        }

        /** Takes the next character; what comes after the end is left out. */
        void accept(int id, float logProbability) {
            if (hasEnded()) {
                return;
            }
            last = id;
            position++;
            held.add(new Character(id, logProbability));
            int kept = stop.accept(id);
            if (stop.isFound()) {
                return;
            }
            while (held.size() > (hasEnded() ? 0 : kept)) {
                Character known = held.remove();
                listener.written(number, known.id(), known.logProbability());
            }
        }
    }
}
