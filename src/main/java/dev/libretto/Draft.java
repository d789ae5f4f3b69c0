package dev.libretto;

import com.fasterxml.jackson.core.type.TypeReference;
import dev.libretto.generate.ContinuedModel;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.Sampler;
import dev.libretto.generate.TextModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.AtomicWrite;
import dev.libretto.run.Json;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Stream;
import org.apache.commons.lang3.ArrayUtils;

/**
 * A text that is being written, with the model's state after it, so that it continues without being read again. Immutable: {@code
 * with} returns a longer draft.
 *
 * <pre>{@code
 * Draft draft = model.draft().with("Once upon a time");
 * draft = draft.withOffer(draft.offers(3, 20, Sampler.temperature(0.8), 1).get(0));
 * draft.save(Path.of("story.state"));
 * }</pre>
 */
public final class Draft {
    private final TextModel model;
    private final Vocabulary vocabulary;
    private final String text;
    /** The last character; null for a text without one. */
    private final ContinuedModel end;

    /** What {@link #save} writes. */
    private record Saved(
            ModelConfig model,
            String weights,
            List<String> vocabulary,
            String text,
            int written,
            List<float[]> state) {}

    private Draft(TextModel model, Vocabulary vocabulary, String text, ContinuedModel end) {
        this.model = model;
        this.vocabulary = vocabulary;
        this.text = text;
        this.end = end;
    }

    /** Returns a draft without a character. */
    public static Draft of(TextModel model, Vocabulary vocabulary) {
        return new Draft(model, vocabulary, "", null);
    }

    /**
     * Reads a draft that {@link #save} wrote with the same model.
     *
     * @throws IOException in one line, if the file is missing or damaged, or of another model
     */
    public static Draft read(Path file, TextModel model, Vocabulary vocabulary) throws IOException {
        if (!Files.exists(file)) {
            throw LibrettoException.in(file, "there is no such file; name a saved state");
        }
        Saved saved = Json.readHandwritten(file, new TypeReference<>() {});
        if (!model.config().equals(saved.model())
                || !vocabulary.symbols().equals(saved.vocabulary())
                || !model.weightsHash().equals(saved.weights())) {
            throw LibrettoException.in(file, "it is the state of another model; name that model, or begin a new text");
        }
        if (saved.text() == null
                || saved.state() == null
                || !sizes(saved.state()).equals(sizes(model.zeroState(1)))) {
            throw LibrettoException.in(file, "its state does not have the size of the model; begin a new text");
        }
        try {
            int[] text = vocabulary.encode(saved.text());
            int[] ids = ArrayUtils.addAll(model.beginning(), text);
            if (saved.written() < 0 || saved.written() > text.length) {
                throw new IllegalArgumentException(
                        "written is " + saved.written() + ", and the text has " + text.length + " characters");
            }
            ContinuedModel end = ids.length == 0
                    ? null
                    : new ContinuedModel(model, text, ids[ids.length - 1], saved.state(), saved.written());
            return new Draft(model, vocabulary, saved.text(), end);
        } catch (IllegalArgumentException e) {
            throw LibrettoException.in(file, e.getMessage() + "; begin a new text", e);
        }
    }

    private static List<Integer> sizes(List<float[]> state) {
        return state.stream().map(array -> array == null ? 0 : array.length).toList();
    }

    public String text() {
        return text;
    }

    /** Returns a model whose texts continue this one. */
    public TextModel model() {
        return end == null ? model : end;
    }

    /**
     * Returns this draft continued by a text, which the model reads.
     *
     * @throws IllegalArgumentException if the text has a character that the model does not know
     */
    public Draft with(String more) {
        return with(vocabulary.encode(vocabulary.asRead(more)));
    }

    /** Returns this draft continued by one of {@link #offers}, as it is. */
    public Draft withOffer(String offer) {
        Draft begun = end == null ? with(new int[0]) : this;
        return begun.with(vocabulary.encode(offer));
    }

    /**
     * Returns this draft continued by characters, which the model reads. The first ones, even if there are none, are the prefix, after
     * which the random numbers of offers are counted.
     */
    public Draft with(int... more) {
        int[] unread = ArrayUtils.addAll(model().beginning(), more);
        if (unread.length == 0) {
            return this;
        }
        int last = unread.length - 1;
        int[][] read =
                Arrays.stream(unread, 0, last).mapToObj(id -> new int[] {id}).toArray(int[][]::new);
        List<float[]> state = model().zeroState(1);
        if (last > 0) {
            // What the model returns is valid until its next call.
            state = model.read(read, state).stream().map(float[]::clone).toList();
        }
        int[] whole = ArrayUtils.addAll(model().textBefore(), more);
        return new Draft(
                model,
                vocabulary,
                text + vocabulary.decode(more),
                new ContinuedModel(model, whole, unread[last], state, end == null ? 0 : end.positionAfter(more)));
    }

    /**
     * Returns texts that the model would continue with; fewer characters where a document ends.
     *
     * @param seed random seed; the same one offers the same texts. An offer that is taken is continued by the next ones as if they
     *     had been written at once
     * @throws IllegalArgumentException if the draft is empty, unless the model is one of documents
     */
    public List<String> offers(int count, int length, Sampler sampler, long seed) {
        List<StringBuilder> offers =
                Stream.generate(StringBuilder::new).limit(count).toList();
        Decoder.Options options = new Decoder.Options(length, sampler, seed, List.of(), Decoder.Scoring.NONE);
        new Decoder(model())
                .write(
                        List.of(new int[0]),
                        count,
                        options,
                        (row, character) -> offers.get(row).append(vocabulary.decode(character.id())));
        return offers.stream().map(StringBuilder::toString).toList();
    }

    /** Writes this draft to a file, which may only replace another draft. */
    public void save(Path file) throws IOException {
        requireReplaceable(file);
        List<float[]> state = end == null ? model.zeroState(1) : end.before();
        int written = end == null ? 0 : end.written();
        AtomicWrite.file(
                file,
                Json.write(new Saved(model.config(), model.weightsHash(), vocabulary.symbols(), text, written, state)));
    }

    /** Throws if a file cannot be written, or is not a draft; call before starting work. */
    public static void requireReplaceable(Path file) throws IOException {
        AtomicWrite.requireWritable(true, file);
        if (!Files.exists(file)) {
            return;
        }
        try {
            Json.readHandwritten(file, new TypeReference<Saved>() {});
        } catch (LibrettoException e) {
            throw LibrettoException.in(file, "it is not a saved state, so it is not replaced; name another file", e);
        }
    }
}
