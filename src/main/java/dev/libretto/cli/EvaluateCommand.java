package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.device.Devices.Choice;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.text.BadBytes;
import dev.libretto.text.Copies;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Documents;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Evaluation;
import java.nio.charset.Charset;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.function.LongConsumer;
import java.util.function.UnaryOperator;
import java.util.stream.LongStream;

/** {@code libretto evaluate}: measures how well a trained model predicts a text. */
final class EvaluateCommand {
    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to evaluate (default the latest, runs/latest)");
    static final Flag<Which> CHECKPOINT = GenerateFlags.CHECKPOINT;
    static final Flag<Path> CORPUS = Flag.path(
            "corpus",
            "FILE",
            "text to evaluate on, packed or not, or a directory of texts, or - for stdin; repeat it to concatenate several");
    static final Flag<String> INCLUDE = Flag.text(
            "include",
            "PATTERN",
            "files of a directory or archive to read, such as '*.md'; repeat it for several (default the run's)");
    static final Flag<Long> MAX_CHARS =
            Flag.atLeast(0, "max-chars", "characters to use from the start of the text, 0 for all", 0);
    static final Flag<Long> MAX_BYTES = TrainFlags.MAX_BYTES;
    static final Flag<Charset> ENCODING =
            Flag.encoding("encoding", "character encoding of the text (default the run's)", null);
    static final Flag<BadBytes> BAD_BYTES = new Flag<>(
            TrainFlags.BAD_BYTES.name(),
            TrainFlags.BAD_BYTES.argument(),
            "what to do with bytes that are not in the encoding (default the run's)",
            null,
            TrainFlags.BAD_BYTES.reader());
    static final Flag<Boolean> COPIES =
            Flag.toggle("copies", "say how much of the text stands in the run's training text");

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
                    INCLUDE,
                    MAX_CHARS,
                    DOCUMENTS,
                    ENCODING,
                    BAD_BYTES,
                    MAX_BYTES,
                    ADAPT,
                    COPIES,
                    DeviceFlags.DEVICE,
                    DeviceFlags.PRECISION),
            List.of(
                    "evaluate --corpus other.txt",
                    "evaluate --run runs/latest --corpus other.txt.gz --max-chars 100000",
                    "evaluate --corpus essay.txt --copies"),
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
        Corpus training = null;
        if (arguments.get(COPIES)) {
            if (corpus.length() >= Copies.MAX_CHARACTERS) {
                throw new IllegalArgumentException(String.format(
                        Locale.ROOT,
                        "--copies compares fewer than %,d characters, and %s has %,d; use a smaller --max-chars",
                        Copies.MAX_CHARACTERS,
                        corpus.name(),
                        corpus.length()));
            }
            training = CorpusLoader.loadAgain(run.config().corpus(), run.path(), null, console);
        }
        Choice device = DeviceFlags.choose(arguments, console);
        try (CharModel model = CharModel.open(run, arguments.get(CHECKPOINT), device, console::warn)) {
            Evaluation evaluation = evaluate(model, corpus, rate, console);
            print(
                    evaluation.withBytes(model.vocabulary().countPredictedBytes(corpus)),
                    model.vocabulary(),
                    corpus,
                    console);
            if (training != null) {
                printCopies(new CopyCheck(training, model.vocabulary(), console), model.vocabulary(), corpus, console);
            }
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
        BadBytes badBytes = arguments.get(BAD_BYTES);
        List<String> include = arguments.getAll(INCLUDE);
        return ofTraining -> ofTraining
                .withMaxChars(maxChars)
                .withMaxBytes(maxBytes)
                .withEncoding(encoding == null ? ofTraining.encoding() : encoding)
                .withBadBytes(badBytes == null ? ofTraining.badBytes() : badBytes)
                .withInclude(include.isEmpty() ? ofTraining.include() : include);
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

    private static void printCopies(CopyCheck check, Vocabulary vocabulary, Corpus corpus, Console console) {
        Ids ids = vocabulary.encodeKnown(corpus);
        int[] text = LongStream.range(0, ids.length()).mapToInt(ids::at).toArray();
        CopyCheck.Found found = check.find(List.of(text)).get(0);
        console.print("copied from the training text: %s%nlongest copy: %s%n", found.share(), found.longest());
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
