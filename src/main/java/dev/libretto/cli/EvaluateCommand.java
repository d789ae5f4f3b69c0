package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.device.Devices.Choice;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Documents;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Evaluation;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.List;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;

/** {@code libretto evaluate}: measures how well a trained model predicts a text. */
final class EvaluateCommand {
    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to evaluate (default the latest, runs/latest)");
    static final Flag<Which> CHECKPOINT = GenerateFlags.CHECKPOINT;
    static final Flag<Path> CORPUS = Flag.path(
            "corpus",
            "FILE",
            "text to evaluate on (.txt, .txt.gz or .txt.zip), or a directory of texts; repeat it to concatenate several");
    static final Flag<Long> MAX_CHARS =
            Flag.atLeast(0, "max-chars", "characters to use from the start of the text, 0 for all", 0);
    static final Flag<Long> MAX_BYTES = TrainFlags.MAX_BYTES;
    static final Flag<Charset> ENCODING =
            Flag.encoding("encoding", "character encoding of the text (default the run's)", null);

    static final Flag<Documents> DOCUMENTS = new Flag<>(
            "documents",
            TrainFlags.DOCUMENTS.argument(),
            "what of the text is a document (default as in training)",
            null,
            TrainFlags.DOCUMENTS.reader());

    static final Flag<Double> ADAPT = Flag.positive(
            "adapt", "learn from the text while reading it (dynamic evaluation), at this learning rate, such as 0.1");

    static final Command COMMAND = new Command(
            "evaluate",
            "measure how well a trained model predicts a text",
            "",
            List.of(
                    RUN,
                    CHECKPOINT,
                    CORPUS,
                    MAX_CHARS,
                    DOCUMENTS,
                    ENCODING,
                    MAX_BYTES,
                    ADAPT,
                    DeviceFlags.DEVICE,
                    DeviceFlags.PRECISION),
            List.of(
                    "evaluate --corpus other.txt",
                    "evaluate --run runs/latest --corpus other.txt.gz --max-chars 100000"),
            EvaluateCommand::run);

    private EvaluateCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        UnaryOperator<CorpusOptions> reading = reading(arguments);
        Double rate = arguments.get(ADAPT);
        arguments.get(DOCUMENTS);
        List<Path> files = arguments.getAll(CORPUS);
        Path named = arguments.get(RUN);
        if (files.isEmpty()) {
            throw new UsageException("missing text to evaluate on; add --corpus FILE");
        }
        RunDirectory run = RunDirectory.open(console.runPath(named));
        CorpusOptions options = reading.apply(run.config().corpus().options());
        options = options.withDocuments(
                documents(arguments, options.documents(), run.config().model()));
        Corpus corpus = CorpusLoader.load(files, options, console);
        Choice device = DeviceFlags.choose(arguments, console);
        try (CharModel model = CharModel.open(run, arguments.get(CHECKPOINT), device, console::warn)) {
            Evaluation evaluation = evaluate(model, corpus, rate, console);
            print(
                    evaluation.withBytes(model.vocabulary().countPredictedBytes(corpus)),
                    model.vocabulary(),
                    corpus,
                    console);
        }
        return 0;
    }

    private static Documents documents(Arguments arguments, Documents inTraining, ModelConfig model)
            throws UsageException {
        Documents documents = arguments.getOr(DOCUMENTS, inTraining);
        if (model.endSymbol() && documents == Documents.NONE) {
            throw new UsageException(
                    "the model is one of documents; say what of the text is one with --documents, such as --documents lines");
        }
        if (!model.endSymbol() && documents != Documents.NONE) {
            throw new UsageException("the model knows no end of a document; remove --documents");
        }
        return documents;
    }

    /** Returns the options with which a text is read, from those of the training text. */
    static UnaryOperator<CorpusOptions> reading(Arguments arguments) throws UsageException {
        long maxChars = arguments.get(MAX_CHARS);
        long maxBytes = arguments.get(MAX_BYTES);
        Charset encoding = arguments.get(ENCODING);
        return ofTraining -> {
            CorpusOptions options = ofTraining.withMaxChars(maxChars).withMaxBytes(maxBytes);
            return encoding == null ? options : options.withEncoding(encoding);
        };
    }

    private static Evaluation evaluate(CharModel model, Corpus corpus, Double rate, Console console) {
        Ids ids = model.vocabulary().encodeKnown(corpus);
        try (WorkBar bar = console.workBar("evaluating")) {
            LongConsumer progress = position -> bar.at(position, ids.length(), () -> " characters");
            return rate == null
                    ? model.evaluate(ids, progress)
                    : model.adapt(ids, rate, progress).evaluation();
        }
    }

    private static void print(Evaluation evaluation, Vocabulary vocabulary, Corpus corpus, Console console) {
        if (vocabulary.hasEnd()) {
            console.print("documents: %d, the end of each predicted like a character%n", corpus.documents());
        }
        console.print(
                """
                        characters predicted: %d
                        characters outside the vocabulary, %s: %d
                        loss: %f nats per character
                        perplexity: %f
                        bits per character: %f
                        bits per byte: %f
                        """,
                evaluation.characters(),
                vocabulary.hasUnknown() ? "read as U+FFFD" : "left out",
                vocabulary.countUnknown(corpus),
                evaluation.loss(),
                evaluation.perplexity(),
                evaluation.bitsPerCharacter(),
                evaluation.bitsPerByte());
    }
}
