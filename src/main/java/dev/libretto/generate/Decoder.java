package dev.libretto.generate;

import dev.libretto.text.CounterRandom;
import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.stream.IntStream;
import org.apache.commons.lang3.ArrayUtils;

/**
 * Continues texts with a model, as a batch with a row for each. After the prefixes, the model maps the last character
 * of each row to the logits of the next, from which the sampler chooses. In greedy decoding the model chooses, too, and
 * may write many characters at once. A row that ends leaves the batch.
 *
 * <p>A model of documents continues the beginning of one, which may be empty, and ends it itself.
 */
public final class Decoder {
    /**
     * How to continue a text.
     *
     * @param length the most characters to write
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

    public Decoder(TextModel model) {
        this.model = model;
    }

    /** Continues each prefix, of at least one id except for a model of documents, {@code samples} times. */
    public void write(List<int[]> texts, int samples, Options options, Listener listener) {
        List<int[]> prefixes = texts.stream().map(this::withBeginning).toList();
        if (prefixes.stream().anyMatch(prefix -> prefix.length == 0)) {
            throw new IllegalArgumentException("the prefix is empty; it needs at least one character");
        }
        if (options.length() == 0 || prefixes.isEmpty()) {
            return;
        }
        int[] prefixOfRow = IntStream.range(0, Math.multiplyExact(prefixes.size(), samples))
                .map(row -> row / samples)
                .toArray();
        List<Row> rows = new ArrayList<>();
        for (int row = 0; row < prefixOfRow.length; row++) {
            int[] prefix = prefixes.get(prefixOfRow[row]);
            rows.add(new Row(
                    row,
                    row % samples,
                    prefix[prefix.length - 1],
                    model.config().end(),
                    options,
                    listener));
        }
        List<float[]> state = selectRows(read(prefixes), prefixes.size(), prefixOfRow);
        while (!rows.isEmpty()) {
            TextModel.Written next = next(rows, state, options);
            for (int t = 0; t < next.ids().length; t++) {
                for (int i = 0; i < rows.size(); i++) {
                    rows.get(i).accept(next.ids()[t][i], next.logProbabilities()[t][i]);
                }
            }
            state = next.state();
            if (rows.stream().anyMatch(Row::hasEnded)) {
                int[] running = IntStream.range(0, rows.size())
                        .filter(i -> !rows.get(i).hasEnded())
                        .toArray();
                state = selectRows(state, rows.size(), running);
                rows.removeIf(Row::hasEnded);
            }
        }
    }

    /** A document begins where another may have ended. */
    private int[] withBeginning(int[] text) {
        int end = model.config().end();
        return end == Ids.NONE ? text : ArrayUtils.insert(0, text, end);
    }

    private TextModel.Written next(List<Row> rows, List<float[]> state, Options options) {
        int[] last = rows.stream().mapToInt(row -> row.last).toArray();
        if (options.sampler() == Sampler.GREEDY) {
            return model.writeGreedily(last, state, options.logProbabilities());
        }
        double[] uniform = rows.stream().mapToDouble(Row::uniform).toArray();
        return model.step(last, state).choose(options.sampler(), uniform, options.logProbabilities());
    }

    /**
     * Returns the state before the last character of each prefix. The longest prefix starts first; shorter ones join
     * later, so that all end at the same time step.
     */
    private List<float[]> read(List<int[]> prefixes) {
        int count = prefixes.size();
        int[] order = IntStream.range(0, count)
                .boxed()
                .sorted(Comparator.comparing(i -> -prefixes.get(i).length))
                .mapToInt(i -> i)
                .toArray();
        int longest = prefixes.get(order[0]).length;
        List<float[]> state = model.zeroState(0);
        int t = 0;
        for (int rows = 1; rows <= count; rows++) {
            int nextJoins = longest - (rows < count ? prefixes.get(order[rows]).length : 1);
            if (nextJoins > t) {
                state = model.read(timeSteps(prefixes, order, rows, t, nextJoins), withRows(state, rows));
                t = nextJoins;
            }
        }
        int[] rank = new int[count];
        for (int i = 0; i < count; i++) {
            rank[order[i]] = i;
        }
        return selectRows(withRows(state, count), count, rank);
    }

    /** The ids of the first {@code rows} prefixes in {@code order}, {@code [T][B]}. */
    private static int[][] timeSteps(List<int[]> prefixes, int[] order, int rows, int from, int to) {
        int longest = prefixes.get(order[0]).length;
        return IntStream.range(from, to)
                .mapToObj(t -> IntStream.of(order)
                        .limit(rows)
                        .mapToObj(prefixes::get)
                        .mapToInt(prefix -> prefix[t - longest + prefix.length])
                        .toArray())
                .toArray(int[][]::new);
    }

    /** Adds rows of zeros to a state. */
    private List<float[]> withRows(List<float[]> state, int rows) {
        List<float[]> more = model.zeroState(rows);
        for (int i = 0; i < more.size(); i++) {
            float[] array = state.get(i);
            System.arraycopy(array, 0, more.get(i), 0, array.length);
        }
        return more;
    }

    /** Returns the selected rows in order; a row may be selected several times. */
    private static List<float[]> selectRows(List<float[]> state, int rows, int[] selected) {
        return state.stream()
                .map(array -> {
                    int n = array.length / rows;
                    float[] result = new float[selected.length * n];
                    for (int i = 0; i < selected.length; i++) {
                        System.arraycopy(array, selected[i] * n, result, i * n, n);
                    }
                    return result;
                })
                .toList();
    }

    private static final class Row {
        private final int number;
        private final int sample;
        private final Options options;
        private final Listener listener;
        /** The last characters, if they may turn out to be the stop text. */
        private final List<Character> held = new ArrayList<>();

        private final int end;
        private int last;
        private int position;
        private boolean isEnded;

        private record Character(int id, float logProbability) {}

        /** @param end the id that ends a document; NONE without it */
        Row(int number, int sample, int last, int end, Options options, Listener listener) {
            this.number = number;
            this.sample = sample;
            this.last = last;
            this.end = end;
            this.options = options;
            this.listener = listener;
        }

        double uniform() {
            return CounterRandom.uniform(options.seed(), sample, position);
        }

        boolean hasEnded() {
            return isEnded || position == options.length() || isStopped();
        }

        /** After {@link #accept}, held is a prefix of the stop text, so its length decides. */
        private boolean isStopped() {
            return options.stop().length > 0 && held.size() == options.stop().length;
        }

        /** Adds the next character; ignores those after the end. */
        void accept(int id, float logProbability) {
            if (hasEnded()) {
                return;
            }
            last = id;
            isEnded = id == end;
            if (!isEnded) {
                position++;
                held.add(new Character(id, logProbability));
            }
            while (!stopStartsWithHeld() || hasEnded() && !isStopped() && !held.isEmpty()) {
                Character known = held.remove(0);
                listener.written(number, known.id(), known.logProbability());
            }
        }

        private boolean stopStartsWithHeld() {
            return held.size() <= options.stop().length
                    && IntStream.range(0, held.size()).allMatch(i -> held.get(i).id() == options.stop()[i]);
        }
    }
}
