package dev.libretto.generate;

import java.util.ArrayList;
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
     * Which log-probabilities the listener receives.
     *
     * @param ofPrefix those of the prefix's characters
     * @param ofText those of the new characters
     * @param top of how many most likely characters in each scored character's place
     */
    public record Scoring(boolean ofPrefix, boolean ofText, int top) {
        public static final Scoring NONE = new Scoring(false, false, 0);
    }

    /**
     * How to continue a text.
     *
     * @param length the most characters to write
     * @param stop texts as ids; the first one written ends the text and is left out of it
     */
    public record Options(int length, Sampler sampler, long seed, List<int[]> stop, Scoring scoring) {
        /** Returns options to write the most likely characters. */
        public static Options greedy(int length) {
            return new Options(length, Sampler.GREEDY, 0, List.of(), Scoring.NONE);
        }

        /** @throws IllegalArgumentException if the length is negative or a stop text is empty */
        public Options {
            stop = List.copyOf(stop);
            if (length < 0) {
                throw new IllegalArgumentException("length is " + length + "; it must be at least 0");
            }
            if (stop.stream().anyMatch(text -> text.length == 0)) {
                throw new IllegalArgumentException("a stop text is empty; it needs at least one character");
            }
        }

        /** Returns the character that was chosen by these logits, as the listener receives it. */
        ScoredCharacter scored(float[] logits, int id) {
            return scoring.ofText() || scoring.top() > 0
                    ? ScoredCharacter.of(logits, id, scoring.top())
                    : new ScoredCharacter(id, 0);
        }
    }

    @FunctionalInterface
    public interface Listener {
        /**
         * Called as soon as a character is known to be part of a text.
         *
         * @param row sample s of prefix p is row {@code p · samples + s}
         */
        void written(int row, ScoredCharacter character);

        /**
         * Called when the prefixes are read, if their log-probabilities are requested.
         *
         * @param characters the prefix's characters after the first, or all for a model of documents
         */
        default void read(int prefix, List<ScoredCharacter> characters) {}
    }

    private final TextModel model;

    public Decoder(TextModel model) {
        this.model = model;
    }

    /** Continues each prefix, of at least one id except for a model of documents, {@code samples} times. */
    public void write(List<int[]> prefixes, int samples, Options options, Listener listener) {
        List<float[]> read = read(prefixes, options, listener);
        if (options.length() == 0 || prefixes.isEmpty()) {
            return;
        }
        int[] prefixOfRow = IntStream.range(0, Math.multiplyExact(prefixes.size(), samples))
                .map(row -> row / samples)
                .toArray();
        List<Row> rows = new ArrayList<>();
        for (int row = 0; row < prefixOfRow.length; row++) {
            int number = row;
            rows.add(new Row(
                    model,
                    prefixes.get(prefixOfRow[row]),
                    row % samples,
                    options,
                    character -> listener.written(number, character)));
        }
        List<float[]> state = PrefixReader.selectRows(read, prefixes.size(), prefixOfRow);
        while (!rows.isEmpty()) {
            TextModel.Written next = next(rows, state, options);
            for (ScoredCharacter[] characters : next.characters()) {
                for (int i = 0; i < rows.size(); i++) {
                    rows.get(i).accept(characters[i]);
                }
            }
            state = next.state();
            if (rows.stream().anyMatch(row -> row.end() != null)) {
                int[] running = IntStream.range(0, rows.size())
                        .filter(i -> rows.get(i).end() == null)
                        .toArray();
                state = PrefixReader.selectRows(state, rows.size(), running);
                rows.removeIf(row -> row.end() != null);
            }
        }
    }

    /**
     * Continues each prefix once with the most likely text that a beam search finds. A prefix has at least one id, except for a
     * model of documents. The sampler only adjusts the logits.
     *
     * @param beams how many beginnings are kept at each character
     */
    public void search(List<int[]> prefixes, int beams, Options options, Listener listener) {
        List<float[]> state = read(prefixes, options, listener);
        if (options.length() > 0 && !prefixes.isEmpty()) {
            new BeamSearch(model, beams, options).write(prefixes, state, listener);
        }
    }

    /** Returns the state before the last character of each prefix; empty if nothing has to be read. */
    private List<float[]> read(List<int[]> texts, Options options, Listener listener) {
        List<int[]> prefixes = texts.stream()
                .map(text -> ArrayUtils.addAll(model.beginning(), text))
                .toList();
        if (prefixes.stream().anyMatch(prefix -> prefix.length == 0)) {
            throw new IllegalArgumentException("the prefix is empty; it needs at least one character");
        }
        boolean scored = options.scoring().ofPrefix();
        if (prefixes.isEmpty() || options.length() == 0 && !scored) {
            return List.of();
        }
        PrefixReader reader = new PrefixReader(model, prefixes, options.scoring());
        List<float[]> state = reader.read();
        for (int prefix = 0; scored && prefix < prefixes.size(); prefix++) {
            listener.read(prefix, reader.scored(prefix));
        }
        return state;
    }

    /** Returns the last character that is read before a text is continued. */
    static int lastOf(int[] prefix, TextModel model) {
        int[] read = prefix.length > 0 ? prefix : model.beginning();
        return read[read.length - 1];
    }

    private TextModel.Written next(List<Row> rows, List<float[]> state, Options options) {
        int[] last = rows.stream().mapToInt(Row::last).toArray();
        if (options.sampler() == Sampler.GREEDY && options.scoring().top() == 0) {
            return model.writeGreedily(last, state, options.scoring().ofText(), Integer.MAX_VALUE);
        }
        TextModel.Step step = model.step(last, state);
        ScoredCharacter[] characters = IntStream.range(0, rows.size())
                .mapToObj(i -> rows.get(i).choose(step.ofRow(i, rows.size())))
                .toArray(ScoredCharacter[]::new);
        return new TextModel.Written(new ScoredCharacter[][] {characters}, step.state());
    }
}
