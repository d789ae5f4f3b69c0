package dev.libretto;

import dev.libretto.device.DeviceRequest;
import dev.libretto.device.Devices;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.Precision;
import dev.libretto.export.ExportFormat;
import dev.libretto.export.ExportedModel;
import dev.libretto.export.Layout;
import dev.libretto.export.ModelSettings;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.EagerModel;
import dev.libretto.generate.GraphModel;
import dev.libretto.generate.Inspection;
import dev.libretto.generate.Sampler;
import dev.libretto.generate.ScoredCharacter;
import dev.libretto.generate.TextModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Adaptation;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.Evaluation;
import dev.libretto.train.Evaluator;
import dev.libretto.train.Scorer;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.LongConsumer;
import java.util.stream.IntStream;
import org.apache.commons.lang3.ArrayUtils;

/**
 * A trained character model: writes, evaluates, scores, exports.
 *
 * <pre>{@code
 * try (CharModel model = CharModel.open(Path.of("runs/latest"))) {
 *     System.out.println(model.write("Once upon", 200, Sampler.temperature(0.8)));
 * }
 * }</pre>
 *
 * <p>Each model has a device and a precision, so models on a CPU and on a GPU, and in float32 and bfloat16, can be used
 * in turn. TensorFlow makes two choices for the whole process: which GPU, and whether it computes in TF32. A model is
 * not safe for use by several threads at once, nor are two models of different devices or precisions.
 */
public final class CharModel implements AutoCloseable {
    private static final System.Logger LOGGER = System.getLogger("dev.libretto");

    /** The shortest text inspected with a graph; building one takes as long as so many time steps. */
    private static final int MIN_INSPECTED_BY_GRAPH = 1024;

    private final ModelConfig config;
    private final Vocabulary vocabulary;
    private final Weights weights;
    private final CorpusOptions reading;
    private final String source;
    private final Choice device;
    private final TextModel eager;
    /** Null until needed, because weights may be too large for a graph. */
    private GraphModel graph;

    /**
     * @param reading how the training text was read
     * @param source the run or file that it was read from; empty for none
     */
    CharModel(
            ModelConfig config,
            Vocabulary vocabulary,
            Weights weights,
            CorpusOptions reading,
            String source,
            Choice device) {
        this.config = config;
        this.vocabulary = vocabulary;
        this.weights = weights;
        this.reading = reading;
        this.source = source;
        this.device = device;
        this.eager = new EagerModel(config, weights);
    }

    /**
     * Opens a run: the weights of the lowest validation loss if it has validation, else the newest. It computes in
     * float32, on a GPU if one can be used.
     *
     * @throws IOException in one line, if there is no run, or it is damaged; a damaged checkpoint is skipped with a
     *     warning to the logger {@code dev.libretto}
     */
    public static CharModel open(Path run) throws IOException {
        return open(run, new Devices().choose(DeviceRequest.AUTO, Precision.FLOAT32));
    }

    static CharModel open(Path run, Choice device) throws IOException {
        return open(
                RunDirectory.open(run),
                Which.BEST,
                device,
                warning -> LOGGER.log(System.Logger.Level.WARNING, warning));
    }

    /**
     * Returns the model of a run.
     *
     * @param which which of its checkpoints
     * @param device where and how precisely it computes, {@link Devices#choose}
     * @param warnings receives a line for each damaged checkpoint skipped
     * @throws IOException in one line, if there is no intact checkpoint
     */
    public static CharModel open(RunDirectory run, Which which, Choice device, Consumer<String> warnings)
            throws IOException {
        return of(run, run.checkpoint(which, warnings), device);
    }

    /** Opens a model with the weights of one of the run's checkpoints; the caller closes it. */
    public static CharModel of(RunDirectory run, Checkpoint checkpoint, Choice device) {
        return new CharModel(
                run.config().model(),
                run.vocabulary(),
                checkpoint.weights(),
                run.config().corpus().options(),
                absolute(run.path()),
                device);
    }

    /**
     * Opens exported weights, or those of Keras or PyTorch, of which a JSON file next to them describes the model. It computes
     * in float32, on a GPU if one can be used.
     *
     * @param weights a safetensors file
     * @throws IOException in one line, if it cannot be read or is of another model
     */
    public static CharModel read(Path weights) throws IOException {
        ExportedModel model = ExportedModel.read(weights, ExportedModel.descriptionOf(weights));
        return of(model, weights, new Devices().choose(DeviceRequest.AUTO, Precision.FLOAT32));
    }

    /** @param weights the file that the model was read from */
    public static CharModel of(ExportedModel model, Path weights, Choice device) {
        return new CharModel(
                model.settings().model(),
                model.vocabulary(),
                model.weights(),
                CorpusOptions.WHOLE_TEXT
                        .withKeepNewlines(model.settings().keepNewlines())
                        .withNormalization(model.settings().normalization()),
                absolute(weights),
                device);
    }

    private static String absolute(Path path) {
        return path.toAbsolutePath().normalize().toString();
    }

    /**
     * Continues a text with the most likely characters.
     *
     * @param prefix the text to continue, at least one character unless the model is one of documents, which then begins one;
     *     it is normalized as the training text was, and its line ends become those that the model knows
     * @param length how many characters to write, at most until the end of the document
     * @return the prefix and what was written
     * @throws IllegalArgumentException if the prefix is empty or has a character that the model does not know
     */
    public String write(String prefix, int length) {
        return write(prefix, length, Sampler.GREEDY);
    }

    /** Continues a text as {@link #write(String, int)} does, with characters chosen by a sampler from the seed 1. */
    public String write(String prefix, int length, Sampler sampler) {
        StringBuilder text = new StringBuilder(vocabulary.asRead(prefix));
        write(prefix, length, sampler, 1, text::append);
        return text.toString();
    }

    /**
     * Continues a text.
     *
     * @param sampler chooses each character
     * @param seed random seed; the same one writes the same text
     * @param written receives each new character as soon as it is known
     * @throws IllegalArgumentException if the prefix is empty or has a character that the model does not know
     */
    public void write(String prefix, int length, Sampler sampler, long seed, Consumer<String> written) {
        int[] ids = vocabulary.encode(vocabulary.asRead(prefix));
        Decoder.Options options = new Decoder.Options(length, sampler, seed, List.of(), Decoder.Scoring.NONE);
        new Decoder(decoding(false))
                .write(List.of(ids), 1, options, (row, character) -> written.accept(vocabulary.decode(character.id())));
    }

    /**
     * Continues a text with the likeliest text that a beam search finds.
     *
     * @param beams how many beginnings are kept at each character, at least 1
     */
    public String search(String prefix, int length, int beams) {
        StringBuilder text = new StringBuilder(vocabulary.asRead(prefix));
        List<int[]> ids = List.of(vocabulary.encode(text.toString()));
        new Decoder(decoding(false))
                .search(
                        ids,
                        beams,
                        Decoder.Options.greedy(length),
                        (row, character) -> text.append(vocabulary.decode(character.id())));
        return text.toString();
    }

    /**
     * Returns what a {@link Decoder} runs, to continue many texts at once; closed with this.
     *
     * @param withGraph faster for long texts and many rows; without, the first character comes sooner
     * @throws IllegalArgumentException if the weights are too large for a graph
     */
    public TextModel decoding(boolean withGraph) {
        device.use();
        if (!withGraph) {
            return eager;
        }
        graph = graph == null ? new GraphModel(config, weights) : graph;
        return graph;
    }

    /** Returns a text without a character, to be written step by step. */
    public Draft draft() {
        return Draft.of(decoding(false), vocabulary);
    }

    /**
     * Measures how well the model predicts a text: every character but the first, each from all before it. Characters
     * that the model does not know are left out. Of documents, the first character and the end are predicted, too, each from
     * what is before it in the document.
     *
     * @throws IllegalArgumentException if the model knows fewer than two of its characters, or only one of text and model has
     *     documents
     */
    public Evaluation evaluate(Corpus corpus) {
        if (corpus.documents() > 0 != config.endSymbol()) {
            throw new IllegalArgumentException(
                    config.endSymbol()
                            ? "the model is one of documents, but " + corpus.name()
                                    + " was not read as documents; read it so"
                            : corpus.name()
                                    + " was read as documents, but the model knows no end of one; read it undivided");
        }
        return evaluate(vocabulary.encodeKnown(corpus), position -> {})
                .withBytes(vocabulary.countPredictedBytes(corpus));
    }

    /**
     * Measures how well the model predicts a text given as ids.
     *
     * @param progress receives the number of characters passed from time to time
     */
    public Evaluation evaluate(Ids ids, LongConsumer progress) {
        device.use();
        try (Evaluator evaluator = new Evaluator(config, weights)) {
            return evaluator.evaluate(ids, progress);
        }
    }

    /**
     * Returns how likely the model finds each text: every character but the first, each from all before it. For a model of
     * documents each text is one, and its first character and its end are predicted, too.
     */
    public List<TextScore> score(List<String> texts) {
        List<TextScore> scores = new ArrayList<>();
        score(texts.iterator(), 0, scores::add);
        return scores;
    }

    /**
     * Scores texts, many at once on the device.
     *
     * @param texts read as they are needed; any number
     * @param others how many of the likeliest other characters to give in each one's place
     * @param scored receives the scores in the order of the texts
     */
    public void score(Iterator<String> texts, int others, Consumer<TextScore> scored) {
        device.use();
        Deque<String> unfinished = new ArrayDeque<>();
        Iterator<int[]> known = new Iterator<>() {
            @Override
            public boolean hasNext() {
                return texts.hasNext();
            }

            @Override
            public int[] next() {
                String text = texts.next();
                unfinished.add(text);
                return Arrays.stream(ids(text)).filter(id -> id != Ids.NONE).toArray();
            }
        };
        try (Scorer scorer = new Scorer(config, weights, others == 0 ? 0 : others + 1)) {
            scorer.score(known, scores -> scored.accept(textScore(unfinished.remove(), scores, others)));
        }
    }

    /** Returns the ids of a text, {@link Ids#NONE} for unknown characters; a document is between two ends. */
    private int[] ids(String text) {
        IntStream end = config.endSymbol() ? IntStream.of(config.end()) : IntStream.empty();
        int[] ids = IntStream.concat(text.codePoints().map(vocabulary::idOrUnknown), end)
                .toArray();
        return config.endSymbol() ? ArrayUtils.insert(0, ids, config.end()) : ids;
    }

    private TextScore textScore(String text, Scorer.Scores scores, int others) {
        int[] known = Arrays.stream(ids(text)).filter(id -> id != Ids.NONE).toArray();
        List<ScoredCharacter> predictions = IntStream.range(0, scores.logProbabilities().length)
                .mapToObj(i -> new ScoredCharacter(
                        known[i + 1], scores.logProbabilities()[i], likeliestOthers(known[i + 1], i, scores, others)))
                .toList();
        return TextScore.of(text, vocabulary, predictions);
    }

    private static List<ScoredCharacter> likeliestOthers(int id, int prediction, Scorer.Scores scores, int others) {
        int top = scores.topIds().length / scores.logProbabilities().length;
        return IntStream.range(prediction * top, (prediction + 1) * top)
                .filter(i -> scores.topIds()[i] != id)
                .limit(others)
                .mapToObj(i -> new ScoredCharacter(scores.topIds()[i], scores.topLogProbabilities()[i], List.of()))
                .toList();
    }

    /**
     * Reads a text and returns all that the model computes for each character: how likely it is, and the state after it. Several
     * threads may do so at once.
     *
     * @param text as the model reads it, {@link Vocabulary#asRead}; characters that the model does not know are skipped
     * @param others how many of the likeliest others to give in each character's place
     * @throws java.util.concurrent.CancellationException if the thread is interrupted
     */
    public Inspection inspect(String text, int others) {
        int[] ids = text.codePoints().map(vocabulary::idOrUnknown).toArray();
        device.use();
        boolean withGraph = ids.length >= MIN_INSPECTED_BY_GRAPH && GraphModel.fits(config);
        try (TextModel own = withGraph ? new GraphModel(config, weights) : new EagerModel(config, weights)) {
            return Inspection.of(own, ids, others);
        }
    }

    /**
     * Reads a text, given as ids, from which a copy of the model learns while it reads it.
     *
     * @param rate the learning rate
     * @param progress receives the number of characters passed from time to time
     * @return how well the text was predicted, and the weights of the copy
     * @throws IllegalArgumentException if the model knows fewer than two characters, or the rate is too high
     */
    public Adaptation adapt(Ids ids, double rate, LongConsumer progress) {
        device.use();
        return Adaptation.of(config, weights, ids, rate, progress);
    }

    /** Returns a copy of the model that has learnt from a text, as {@link #adapt} does; the caller closes it. */
    public CharModel adaptedTo(Ids text, double rate, LongConsumer progress) {
        Weights adapted = adapt(text, rate, progress).weights();
        return new CharModel(config, vocabulary, adapted, reading, source, device);
    }

    /**
     * Exports the model; weights in PyTorch's layout.
     *
     * @throws IOException in one line, if something is there already, or it cannot be written
     */
    public void export(ExportFormat format, Path out) throws IOException {
        export(format, Layout.PYTORCH, out, false);
    }

    /**
     * Exports the model.
     *
     * @param layout the weights' names, shapes and gate order; without effect on models that run
     * @param overwrite whether an older export is replaced
     * @throws IOException in one line, if something is there that may not be replaced, or it cannot be written
     */
    public void export(ExportFormat format, Layout layout, Path out, boolean overwrite) throws IOException {
        Choice.CPU.use();
        ModelSettings settings = new ModelSettings(
                config, reading.keepNewlines(), reading.normalization(), vocabulary.hasUnknown(), weights.sha256());
        format.write(new ExportedModel(settings, vocabulary, weights), layout, out, overwrite);
    }

    /** Returns the run or file that it was read from; empty if it was trained in memory. */
    public String source() {
        return source;
    }

    public ModelConfig config() {
        return config;
    }

    public Vocabulary vocabulary() {
        return vocabulary;
    }

    public Weights weights() {
        return weights;
    }

    /** Frees the native memory that it writes with. */
    @Override
    public void close() {
        eager.close();
        if (graph != null) {
            graph.close();
        }
    }
}
