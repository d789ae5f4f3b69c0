package dev.libretto.cli;

import dev.libretto.device.Devices.Choice;
import dev.libretto.device.Host;
import dev.libretto.device.Sessions;
import dev.libretto.model.CellType;
import dev.libretto.model.Initializers;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import dev.libretto.plot.RunPicture;
import dev.libretto.run.Disk;
import dev.libretto.run.ReportConfig;
import dev.libretto.run.RunConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Resumed;
import dev.libretto.run.Runs;
import dev.libretto.tensorboard.TensorBoard;
import dev.libretto.text.Batches;
import dev.libretto.text.Corpus;
import dev.libretto.text.CorpusOptions;
import dev.libretto.text.Ids;
import dev.libretto.text.Vocabulary;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.LearningRate;
import dev.libretto.train.MemoryEstimate;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.Trainer;
import dev.libretto.train.TrainingData;
import dev.libretto.train.TrainingListener;
import dev.libretto.train.ValidationConfig;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;

/** {@code libretto train}: reads a text, trains a model on it, or goes on with it, and reports how it goes. */
final class TrainCommand implements Command {
    @Override
    public String name() {
        return "train";
    }

    @Override
    public String summary() {
        return "train a model on a text, report perplexity, write with it";
    }

    @Override
    public List<Flag<?>> flags() {
        return TrainFlags.ALL;
    }

    @Override
    public List<String> examples() {
        return List.of(
                "train --corpus novel.txt --max-chars 0 --epochs 100", "train --resume runs/latest --epochs 500");
    }

    /**
     * What is to be trained, known before anything is written.
     *
     * @param validation the other text to measure on; null where there is none
     */
    private record Plan(Path path, RunConfig config, Corpus corpus, Vocabulary vocabulary, Corpus validation) {}

    @Override
    public int run(Arguments given, Console console) throws Exception {
        boolean resumes = given.has(TrainFlags.RESUME);
        Arguments arguments = resumes ? given : TrainFlags.withFiles(given);
        Plan plan = resumes ? resumedRun(arguments, console) : newRun(arguments, console);

        TrainConfig training = plan.config().training();
        ReportConfig report = plan.config().report();
        TrainingData data = TrainingData.of(training, plan.vocabulary(), plan.corpus(), plan.validation());
        List<String> prefixes = report.prefixes().isEmpty()
                ? defaultPrefixes(plan)
                : report.prefixes().stream()
                        .map(prefix -> plan.vocabulary().withKnownLineEnds(prefix))
                        .toList();
        for (String prefix : prefixes) {
            Prefix.encode(
                    plan.vocabulary(), prefix, Prefix.quoted(prefix), "give --prefix in the characters of the text");
        }
        console.runs().requireUsable();
        Choice device = DeviceFlags.use(arguments);
        MemoryEstimate memory = MemoryEstimate.of(plan.config().model(), training);
        if (!device.device().isGpu()) {
            Host host = Host.current();
            memory.requireFits(host.memory(), host.javaHeap());
        }

        try (StopSignal stop = new StopSignal(
                () -> console.note("stopping after this batch%n"),
                () -> console.note("interrupted before the first batch; nothing was saved%n"))) {
            Resumed from = resumes
                    ? RunDirectory.resume(plan.path(), plan.config(), console::warn)
                    : create(plan, arguments.get(TrainFlags.OVERWRITE), stop, console);
            try (RunDirectory run = from.run()) {
                describe(console, plan, data.batches(), device, memory);
                if (resumes) {
                    describe(
                            console,
                            from.checkpoint().progress(),
                            training,
                            data.batches().count());
                } else {
                    describePart(console, plan.corpus().fractionRead());
                }
                try (TrainProgress progress = new TrainProgress(console, training);
                        RunPicture picture = new RunPicture(run, report.every(), console::warn);
                        TensorBoard tensorBoard = new TensorBoard(run, report.every(), console::warn)) {
                    TrainReport reports =
                            new TrainReport(console, run, prefixes, report, tensorBoard::samplesGenerated);
                    TrainingListener listener = TrainingListener.together(List.of(
                            start(stop, run, console),
                            progress,
                            report.tensorBoard() ? tensorBoard : TrainingListener.NONE,
                            reports,
                            picture));
                    try (Trainer trainer =
                            new Trainer(plan.config().model(), training, data, from.checkpoint(), run, listener)) {
                        conclude(console, run, trainer.train(), prefixes.get(0));
                    }
                    if (!stop.isRequested()) {
                        reports.requireWritten();
                    }
                } finally {
                    run.discardIfNeverBegun();
                }
                return stop.exitCode();
            }
        }
    }

    /** Once training has started, a signal waits for the batch, and the run is the latest. */
    private static TrainingListener start(StopSignal stop, RunDirectory run, Console console) {
        return new TrainingListener() {
            @Override
            public void firstBatchComputed() {
                stop.trainingStarted();
            }

            @Override
            public void trainingStarted() {
                pointLatestAt(run, console);
            }

            @Override
            public boolean stopRequested() {
                return stop.isRequested();
            }
        };
    }

    private static void pointLatestAt(RunDirectory run, Console console) {
        try {
            console.runs().pointLatestAt(run);
        } catch (IOException e) {
            console.warn("could not point " + console.runs().folder() + "/latest at this run: " + Disk.reason(e));
        }
    }

    private static Plan newRun(Arguments arguments, Console console) throws Exception {
        CorpusOptions options = TrainFlags.corpusOptions(arguments);
        // Read before the texts are, so that a wrong option is told first.
        Path validationFile = TrainFlags.validationCorpus(arguments);
        TrainFlags.trainConfig(arguments, validationFile == null ? null : CorpusInfo.unknown(false, false));
        TrainFlags.modelConfig(arguments, 1);
        boolean overwrite = arguments.get(TrainFlags.OVERWRITE);
        Path given = arguments.get(TrainFlags.RUN);
        List<Path> files = arguments.getAll(TrainFlags.CORPUS);
        if (given == null && overwrite) {
            throw new UsageException("--overwrite replaces the run that --run names; add --run DIR");
        }
        Path path = given == null ? console.runs().unusedPath() : given;
        RunDirectory.requireUsable(path, overwrite);
        Corpus corpus = CorpusLoader.load(files, options, console);
        Vocabulary vocabulary = Vocabulary.of(corpus, options.minCount());
        ModelConfig model = TrainFlags.modelConfig(arguments, vocabulary.size());
        CorpusOptions whole = options.withMaxChars(0);
        Corpus validation = validationFile == null ? null : CorpusLoader.load(List.of(validationFile), whole, console);
        TrainConfig training = TrainFlags.trainConfig(arguments, validation == null ? null : CorpusInfo.of(validation));
        RunConfig config = new RunConfig(CorpusInfo.of(corpus), model, training, TrainFlags.reportConfig(arguments));
        return new Plan(path, config, corpus, vocabulary, validation);
    }

    private static Plan resumedRun(Arguments arguments, Console console) throws Exception {
        Path path = Runs.resolve(arguments.get(TrainFlags.RESUME));
        if (arguments.has(TrainFlags.RUN) || arguments.has(TrainFlags.OVERWRITE)) {
            throw new UsageException("--resume names the run itself; leave --run and --overwrite out");
        }
        List<Path> given = arguments.getAll(TrainFlags.CORPUS);
        RunDirectory run = RunDirectory.open(path);
        TrainConfig training = TrainFlags.resumedConfig(arguments, run.config());
        CorpusInfo info = run.config().corpus();
        if (arguments.has(TrainFlags.PRESET) || arguments.has(TrainFlags.CONFIG)) {
            throw new UsageException("a run that goes on keeps its settings; leave --preset and --config out");
        }
        if (!info.known()) {
            throw new IllegalArgumentException(path + " was imported, so the text it learns from is not known and its"
                    + " training cannot go on; train where the weights came from and import them again");
        }
        CorpusOptions options = info.options().withMaxBytes(arguments.get(TrainFlags.MAX_BYTES));
        if (arguments.has(TrainFlags.ENCODING)) {
            options = options.withEncoding(arguments.get(TrainFlags.ENCODING));
        }
        Corpus corpus = CorpusLoader.load(given.isEmpty() ? filesOf(info, TrainFlags.CORPUS) : given, options, console);
        if (!corpus.sha256().equals(info.sha256())) {
            throw new IllegalArgumentException(corpus.name() + " is not the text that " + path
                    + " learns from (another SHA-256); name that text with --corpus, or start a new run");
        }
        if (!Vocabulary.of(corpus, info.minCount())
                .symbols()
                .equals(run.vocabulary().symbols())) {
            throw new IllegalArgumentException(
                    path + " is damaged: its vocabulary has other characters than the text that it learns from");
        }
        Corpus validation = resumedValidation(arguments, training.validation().corpus(), console);
        RunConfig config = run.config()
                .withTraining(training)
                .withReport(
                        TrainFlags.resumedReportConfig(arguments, run.config().report()));
        return new Plan(path, config, corpus, run.vocabulary(), validation);
    }

    private static Corpus resumedValidation(Arguments arguments, CorpusInfo info, Console console) throws Exception {
        Path given = arguments.get(TrainFlags.VALIDATION_CORPUS);
        if (info == null) {
            if (given != null) {
                throw new UsageException("this run has no --validation-corpus and cannot get one; leave the option out,"
                        + " or start a new run");
            }
            return null;
        }
        List<Path> files = given != null ? List.of(given) : filesOf(info, TrainFlags.VALIDATION_CORPUS);
        Corpus corpus =
                CorpusLoader.load(files, info.options().withMaxBytes(arguments.get(TrainFlags.MAX_BYTES)), console);
        if (!corpus.sha256().equals(info.sha256())) {
            throw new IllegalArgumentException(
                    corpus.name() + " is not the text that the run measures on (another SHA-256);"
                            + " name that text with --validation-corpus, or start a new run");
        }
        return corpus;
    }

    /** The files that a run read. A pipe has nothing left, and a terminal under its name would wait for input. */
    private static List<Path> filesOf(CorpusInfo info, Flag<Path> option) {
        for (Path path : info.paths()) {
            if (Files.exists(path) && !Files.isRegularFile(path) && !Files.isDirectory(path)) {
                throw new IllegalArgumentException(
                        "this run read " + path + ", which is not a file; name its text with --" + option.name());
            }
        }
        return info.paths();
    }

    private static Resumed create(Plan plan, boolean overwrite, StopSignal stop, Console console) throws IOException {
        List<Parameter> parameters = LanguageModel.parameters(plan.config().model());
        Weights weights;
        try (WorkBar bar = console.workBar("drawing weights")) {
            weights = Initializers.draw(
                    parameters,
                    plan.config().training().seed(),
                    place -> bar.at(
                            place,
                            parameters.size(),
                            () -> " " + parameters.get(place).name()));
        }
        Checkpoint start = Checkpoint.start(plan.config().model(), plan.config().training(), weights);
        synchronized (stop) {
            RunDirectory run = RunDirectory.create(plan.path(), plan.config(), plan.vocabulary(), overwrite);
            stop.onAbandon(() -> abandon(run, console));
            return new Resumed(run, start);
        }
    }

    private static void abandon(RunDirectory run, Console console) {
        try {
            run.discardIfNeverBegun();
            console.note("interrupted before the first batch; nothing was saved%n");
        } catch (IOException e) {
            console.complain("could not delete " + run.path() + ": " + Disk.reason(e));
        }
    }

    private static List<String> defaultPrefixes(Plan plan) {
        boolean known = TrainFlags.TEXTBOOK_PREFIXES.stream()
                .flatMapToInt(String::codePoints)
                .allMatch(codePoint -> plan.vocabulary().idOf(codePoint) >= 0);
        Ids ids = plan.vocabulary().encode(plan.corpus());
        int[] beginning = LongStream.range(0, Math.min(10, ids.length()))
                .mapToInt(ids::at)
                .toArray();
        return known ? TrainFlags.TEXTBOOK_PREFIXES : List.of(plan.vocabulary().decode(beginning));
    }

    private static void describe(Console console, Plan plan, Batches batches, Choice device, MemoryEstimate memory) {
        ModelConfig model = plan.config().model();
        TrainConfig training = plan.config().training();
        long parameters = LanguageModel.parameters(model).stream()
                .mapToLong(Parameter::size)
                .sum();
        console.note(
                """
                        corpus: %s, %,d characters, %,d distinct%s
                        batches: %,d per epoch, %d rows of %d time steps, %s sampling
                        model: %s, %,d hidden units, %,d parameters
                        device: %s
                        """,
                plan.corpus().name(),
                plan.corpus().length(),
                plan.corpus().distinct(),
                describeRare(plan),
                batches.count(),
                training.batchSize(),
                training.seqLength(),
                training.sampling(),
                describe(model),
                model.hiddenSize(),
                parameters,
                device);
        if (device.device().isGpu()) {
            console.note("recurrence: %s%n", describeOnGpu(model.cell()));
        } else {
            console.note("parts: %s%nmemory: %s%n", describeParts(training.batchSize(), training.parts()), memory);
        }
    }

    /** How the rows of a batch are split. */
    static String describeParts(int rows, int parts) {
        if (parts == 1) {
            return "1, all rows together";
        }
        int most = (rows + parts - 1) / parts;
        return parts + (rows % parts == 0 ? " of " : " of up to ") + most + (most == 1 ? " row" : " rows")
                + ", computed at the same time";
    }

    /** Says that the text is longer than what is learnt from it. */
    private static void describePart(Console console, double part) {
        long percent = Math.round(100 * part);
        if (percent < 100) {
            String share = Double.isNaN(part) ? "a part" : percent == 0 ? "less than 1%" : "about " + percent + "%";
            console.note("these characters are %s of the text; --max-chars 0 reads all of it%n", share);
        }
    }

    private static String describeOnGpu(CellType cell) {
        return switch (RecurrenceType.of(cell, true, Sessions.factorType())) {
            case CUDNN -> "all time steps at once, by cuDNN";
            case UNROLLED ->
                "time step by time step, for cuDNN "
                        + (RecurrenceType.CUDNN.supports(cell) ? "computes it in float32 and tf32" : "has no " + cell);
        };
    }

    /** What becomes of characters that are rarer than {@code --min-count}. */
    private static String describeRare(Plan plan) {
        long rare = plan.vocabulary().countUnknown(plan.corpus());
        return rare == 0
                ? ""
                : String.format(
                        Locale.ROOT,
                        "; %,d are known, and the others, %,d times in the text, are read as U+FFFD",
                        plan.vocabulary().size() - 1,
                        rare);
    }

    private static String describe(ModelConfig model) {
        String cell = model.cell().toString().toUpperCase(Locale.ROOT);
        return model.layers() == 1 ? cell : model.layers() + " layers of " + cell;
    }

    private static void describe(Console console, Progress progress, TrainConfig training, int batches) {
        if (progress.epoch() >= training.epochs()) {
            console.note("all %d epochs are trained; --epochs asks for more%n", progress.epoch());
            return;
        }
        console.note("going on after epoch %d, batch %d of the next%n", progress.epoch(), progress.batch());
        LearningRate rate = training.optimizer().learningRate();
        if (rate.schedule() != LearningRate.Schedule.CONSTANT) {
            console.note(
                    "learning rate: %.4g now, %.4g in the last batch; the %s schedule keeps the %s epochs with which the run"
                            + " was started (a new run can have others)%n",
                    rate.at(progress.epoch(), progress.batch(), batches) * progress.learningRateFactor(),
                    rate.at(training.epochs() - 1, batches - 1, batches) * progress.learningRateFactor(),
                    rate.schedule(),
                    Double.toString(rate.decayEpochs()).replaceFirst("\\.0$", ""));
        }
    }

    private static void conclude(Console console, RunDirectory run, Progress progress, String prefix) {
        String path = Shell.quote(run.path().toString());
        int asked = run.config().training().epochs();
        if (progress.validation() != null) {
            console.note(
                    "lowest validation loss %f after epoch %d; its weights are kept%n",
                    progress.validation().lowest(), progress.validation().lowestEpoch());
        }
        ValidationConfig validation = run.config().training().validation();
        if (validation.isOutOfPatience(progress)) {
            console.note(
                    "ended after epoch %d of %d: no lower validation loss for %d epochs%n",
                    progress.epoch(), asked, validation.patience());
        } else if (progress.epoch() < asked) {
            console.note(
                    "stopped in epoch %d of %d; what was learnt is kept; go on with:%n  %s train --resume %s%n",
                    progress.epoch() + 1, asked, console.command(), path);
        }
        console.note(
                "the run is in %s; write with it:%n  %s generate --run %s --prefix %s --length %d%n",
                run.path(), console.command(), path, Shell.quote(prefix), GenerateCommand.DEFAULT_LENGTH);
    }
}
