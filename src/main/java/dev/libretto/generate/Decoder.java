package dev.libretto.generate;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;

/** Continues texts with a model, as one batch with a row for each text. */
public final class Decoder {
    /**
     * How to continue a text.
     *
     * @param length the most characters to write
     * @param seed random seed
     * @param stop the ids of a text that ends the output and is left out of it; empty for none
     * @param logProbabilities whether the listener receives log-probabilities
     */
    public record Options(int length, Sampler sampler, long seed, int[] stop, boolean logProbabilities) {
        /** Returns options to write the most likely characters. */
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

    /** Receives the characters. */
    @FunctionalInterface
    public interface Listener {
        /**
         * Called as soon as a character is known to be part of a text.
         *
         * @param row sample s of prefix p is row {@code p · samples + s}
         * @param logProbability the natural logarithm of the model's probability, before temperature, top-k and top-p; 0 if
         *     not requested
         */
        void written(int row, int id, float logProbability);
    }

    private final TextModel model;

    /** @param model the caller closes it */
    public Decoder(TextModel model) {
        this.model = model;
    }

    /**
     * Continues one text greedily.
     *
     * @param prefix at least one id
     * @param length the number of characters to write
     * @param written receives each new id as soon as it is known
     * @throws IllegalArgumentException if the prefix is empty
     */
    public void continueText(int[] prefix, int length, IntConsumer written) {
        write(List.of(prefix), 1, Options.greedy(length), (row, id, logProbability) -> written.accept(id));
    }

    /**
     * Continues texts.
     *
     * @param prefixes at least one id each
     * @param samples the number of continuations of each prefix
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
        List<float[]> state = Primer.selectRows(new Primer(model, prefixes).prime(), prefixes.size(), prefixOfRow);
        while (!rows.isEmpty()) {
            state = writeUntilARowEnds(rows, state, options);
            int[] running = IntStream.range(0, rows.size())
                    .filter(i -> !rows.get(i).hasEnded())
                    .toArray();
            state = Primer.selectRows(state, rows.size(), running);
            rows.removeIf(Row::hasEnded);
        }
    }

    private List<float[]> writeUntilARowEnds(List<Row> rows, List<float[]> state, Options options) {
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
        SamplingLoop.Chooser chooser =
                (row, logits) -> options.sampler().sample(logits, rows.get(row).uniform());
        return new SamplingLoop(model, chooser, options.logProbabilities()).write(ids, state, sink);
    }

    /** A text in progress. */
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

        double uniform() {
            return CounterRandom.uniform(options.seed(), sample, position);
        }

        boolean hasEnded() {
            return stop.isFound() || position == options.length();
        }

        /** Adds the next character; ignores those after the end. */
        void accept(int id, float logProbability) {
            if (hasEnded()) {
                return;
            }
            last = id;
            position++;
            held.add(new Character(id, logProbability));
            int pending = stop.accept(id);
            if (stop.isFound()) {
                return;
            }
            while (held.size() > (hasEnded() ? 0 : pending)) {
                Character known = held.remove();
                listener.written(number, known.id(), known.logProbability());
            }
        }
    }
}
