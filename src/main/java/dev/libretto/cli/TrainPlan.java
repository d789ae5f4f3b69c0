package dev.libretto.cli;

import dev.libretto.Training;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.Origin;
import dev.libretto.run.ReportConfig;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.Runs;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.text.Normalization;
import dev.libretto.text.Vocabulary;
import dev.libretto.text.VocabularyChoice;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.TrainingData;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.LongStream;

/**
 * What {@code train} will do, known before anything is written.
 *
 * @param overwrite whether an older run at the path may be replaced
 * @param resumes whether the run exists and continues
 * @param initial the model that a new run starts from; null to draw the first weights
 * @param prefixes the texts to continue in reports
 */
record TrainPlan(
        Training training,
        Path path,
        boolean overwrite,
        boolean resumes,
        RunConfig config,
        InitialModel initial,
        Corpus corpus,
        Vocabulary vocabulary,
        TrainingData data,
        List<String> prefixes) {
    /**
     * Reads the options and the texts that they name.
     *
     * @param hosts the number of hosts that compute parts
     */
    static TrainPlan of(Arguments given, int hosts, Console console) throws Exception {
        TrainPlan plan = given.has(TrainFlags.RESUME)
                ? resumedRun(given, hosts, console)
                : newRun(TrainFlags.withFiles(given), hosts, console);
        console.runs().requireWritable();
        return plan;
    }

    private static TrainPlan newRun(Arguments arguments, int hosts, Console console) throws Exception {
        if (arguments.has(TrainFlags.EXTEND_SCHEDULE)) {
            throw new UsageException("--extend-schedule continues a run; add --resume DIR");
        }
        // Read before the texts, so that a wrong option is reported first.
        InitialModel initial = TrainFlags.initialModel(arguments);
        CorpusOptions options = TrainFlags.corpusOptions(arguments, initial);
        Path validationFile = TrainFlags.validationCorpus(arguments);
        TrainFlags.trainConfig(
                        arguments,
                        hosts,
                        validationFile == null ? null : CorpusInfo.unknown(false, Normalization.NONE, false))
                .requireLayersOf(TrainFlags.modelConfig(arguments, initial));
        boolean overwrite = arguments.get(TrainFlags.OVERWRITE);
        Path given = arguments.get(TrainFlags.RUN);
        List<Path> files = arguments.getAll(TrainFlags.CORPUS);
        if (given == null && overwrite) {
            throw new UsageException("--overwrite replaces the run that --run names; add --run DIR");
        }
        Path path = given == null ? console.runs().unusedPath() : given;
        RunDirectory.requireWritable(path, overwrite);
        Corpus corpus = CorpusLoader.load(files, options, console);
        VocabularyChoice choice = arguments.get(TrainFlags.VOCABULARY);
        Vocabulary vocabulary =
                initial == null ? Vocabulary.of(corpus, options.minCount()) : choice.of(initial.vocabulary(), corpus);
        ModelConfig model = TrainFlags.modelConfig(arguments, initial).withVocabulary(vocabulary);
        CorpusOptions whole = options.withMaxChars(0);
        Corpus validation = validationFile == null ? null : CorpusLoader.load(List.of(validationFile), whole, console);
        TrainConfig training =
                TrainFlags.trainConfig(arguments, hosts, validation == null ? null : CorpusInfo.of(validation));
        RunConfig config = new RunConfig(
                CorpusInfo.of(corpus),
                model,
                training,
                TrainFlags.reportConfig(arguments, ReportConfig.DEFAULT),
                initial == null ? null : Origin.of(initial.source(), choice, initial.vocabulary(), vocabulary, corpus));
        return of(arguments, path, false, config, initial, corpus, vocabulary, validation);
    }

    private static TrainPlan resumedRun(Arguments arguments, int hosts, Console console) throws Exception {
        Path path = Runs.resolve(arguments.get(TrainFlags.RESUME));
        if (arguments.has(TrainFlags.RUN) || arguments.has(TrainFlags.OVERWRITE)) {
            throw new UsageException("--resume already names the run; remove --run and --overwrite");
        }
        List<Path> given = arguments.getAll(TrainFlags.CORPUS);
        RunDirectory run = RunDirectory.open(path);
        TrainConfig training = TrainFlags.resumedConfig(arguments, run.config(), run.newestProgress(warning -> {}));
        if (training.parts() < hosts) {
            throw new IllegalArgumentException(
                    path + " splits a batch into " + training.parts() + (training.parts() == 1 ? " part" : " parts")
                            + ", too few for " + hosts + " hosts; use fewer workers, or start a new run with --parts "
                            + hosts);
        }
        CorpusInfo info = run.config().corpus();
        if (arguments.has(TrainFlags.PRESET) || arguments.has(TrainFlags.CONFIG)) {
            throw new UsageException("a resumed run keeps its settings; remove --preset and --config");
        }
        if (!info.known()) {
            throw new IllegalArgumentException(path + " was imported, so its training text is unknown and it cannot be"
                    + " resumed; start a new run from its weights with --init-from");
        }
        CorpusOptions options = info.options().withMaxBytes(arguments.get(TrainFlags.MAX_BYTES));
        if (arguments.has(TrainFlags.ENCODING)) {
            options = options.withEncoding(arguments.get(TrainFlags.ENCODING));
        }
        if (arguments.has(TrainFlags.INCLUDE)) {
            options = options.withInclude(arguments.getAll(TrainFlags.INCLUDE));
        }
        Corpus corpus = CorpusLoader.load(
                given.isEmpty() ? CorpusLoader.filesOf(info, TrainFlags.CORPUS) : given, options, console);
        requireSame(corpus, info, "training text of " + path, TrainFlags.CORPUS);
        if (!fits(run, corpus)) {
            throw new IllegalArgumentException(
                    path + " is damaged: its vocabulary does not have the characters of its training text");
        }
        Corpus validation =
                resumedValidation(arguments, path, training.validation().corpus(), console);
        RunConfig config = run.config()
                .withTraining(training)
                .withReport(TrainFlags.reportConfig(arguments, run.config().report()));
        return of(arguments, path, true, config, null, corpus, run.vocabulary(), validation);
    }

    /** Whether a run's vocabulary is that of its text or, if it may have others' characters, can encode it. */
    private static boolean fits(RunDirectory run, Corpus corpus) {
        Vocabulary vocabulary = run.vocabulary();
        Origin origin = run.config().origin();
        if (origin != null && origin.vocabulary() != VocabularyChoice.CORPUS) {
            return vocabulary.hasUnknown() || vocabulary.countUnknown(corpus) == 0;
        }
        return Vocabulary.of(corpus, run.config().corpus().minCount()).symbols().equals(vocabulary.symbols());
    }

    private static Corpus resumedValidation(Arguments arguments, Path path, CorpusInfo info, Console console)
            throws Exception {
        Path given = arguments.get(TrainFlags.VALIDATION_CORPUS);
        if (info == null) {
            if (given != null) {
                throw new UsageException("this run has no validation corpus and cannot get one; remove"
                        + " --validation-corpus, or start a new run");
            }
            return null;
        }
        List<Path> files = given != null ? List.of(given) : CorpusLoader.filesOf(info, TrainFlags.VALIDATION_CORPUS);
        Corpus corpus =
                CorpusLoader.load(files, info.options().withMaxBytes(arguments.get(TrainFlags.MAX_BYTES)), console);
        requireSame(corpus, info, "validation text of " + path, TrainFlags.VALIDATION_CORPUS);
        return corpus;
    }

    private static void requireSame(Corpus corpus, CorpusInfo info, String what, Flag<Path> option) {
        if (!corpus.sha256().equals(info.sha256())) {
            throw new IllegalArgumentException(corpus.name() + " is not the " + what
                    + " (SHA-256 mismatch); name that text with --" + option.name() + ", or start a new run");
        }
    }

    private static TrainPlan of(
            Arguments arguments,
            Path path,
            boolean resumes,
            RunConfig config,
            InitialModel initial,
            Corpus corpus,
            Vocabulary vocabulary,
            Corpus validation)
            throws UsageException {
        Training training = Training.builder()
                .model(config.model())
                .settings(config.training())
                .device(arguments.get(DeviceFlags.DEVICES))
                .precision(arguments.get(DeviceFlags.PRECISION))
                .build();
        TrainingData data = TrainingData.of(config.training(), vocabulary, corpus, validation);
        List<String> prefixes = prefixes(config.report().prefixes(), corpus, vocabulary);
        boolean overwrite = arguments.get(TrainFlags.OVERWRITE);
        return new TrainPlan(training, path, overwrite, resumes, config, initial, corpus, vocabulary, data, prefixes);
    }

    /**
     * Returns the texts to continue in reports: the given ones, or the textbook's, or the beginning of a text that
     * lacks their characters; of documents, the empty beginning of one.
     */
    private static List<String> prefixes(List<String> given, Corpus corpus, Vocabulary vocabulary) {
        if (given.isEmpty() && vocabulary.hasEnd()) {
            return List.of("");
        }
        if (given.isEmpty()) {
            if (String.join("", TrainFlags.TEXTBOOK_PREFIXES)
                    .codePoints()
                    .allMatch(codePoint -> vocabulary.idOf(codePoint) >= 0 && corpus.count(codePoint) > 0)) {
                return TrainFlags.TEXTBOOK_PREFIXES;
            }
            Ids ids = vocabulary.encode(corpus);
            return List.of(vocabulary.decode(LongStream.range(0, Math.min(10, ids.length()))
                    .mapToInt(ids::at)
                    .toArray()));
        }
        List<String> prefixes = given.stream().map(vocabulary::asRead).toList();
        for (String prefix : prefixes) {
            Prefix.encode(vocabulary, prefix, Prefix.quoted(prefix), "give --prefix in the characters of the text");
        }
        return prefixes;
    }
}
