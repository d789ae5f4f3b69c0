package dev.libretto.cli;

import dev.libretto.device.Devices.Choice;
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
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Resumed;
import dev.libretto.tensorboard.TensorBoard;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.LearningRate;
import dev.libretto.train.MemoryEstimate;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.Trainer;
import dev.libretto.train.TrainingListener;
import dev.libretto.train.ValidationConfig;
import java.io.IOException;
import java.util.List;
import java.util.Locale;

/** {@code libretto train}: trains a model on a text, or resumes a run, and reports progress. */
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

    @Override
    public int run(Arguments given, Console console) throws Exception {
        TrainPlan plan = TrainPlan.of(given, console);
        Choice device = DeviceFlags.use(given);
        MemoryEstimate memory =
                MemoryEstimate.ofTraining(plan.config().model(), plan.config().training());
        if (!device.device().isGpu()) {
            memory.requireFits();
        }
        try (StopSignal stop = new StopSignal(
                () -> console.note("stopping after this batch%n"),
                () -> console.note("interrupted before the first batch; nothing was saved%n"))) {
            Resumed from = plan.resumes()
                    ? RunDirectory.resume(plan.path(), plan.config(), console::warn)
                    : create(plan, stop, console);
            try (RunDirectory run = from.run()) {
                try {
                    describe(console, plan, from.checkpoint().progress(), device, memory);
                    fit(plan, from, stop, console);
                } finally {
                    run.discardIfNeverBegun();
                }
            }
            return stop.exitCode();
        }
    }

    private static void fit(TrainPlan plan, Resumed from, StopSignal stop, Console console) throws IOException {
        RunDirectory run = from.run();
        TrainConfig training = plan.config().training();
        ReportConfig report = plan.config().report();
        try (TrainProgress progress = new TrainProgress(console, training);
                RunPicture picture = new RunPicture(run, report.every(), console::warn);
                TensorBoard tensorBoard = new TensorBoard(run, report.every(), console::warn)) {
            TrainReport reports = new TrainReport(console, run, plan.prefixes(), report, tensorBoard::samplesGenerated);
            TrainingListener listener = TrainingListener.together(List.of(
                    start(stop, run, console),
                    progress,
                    report.tensorBoard() ? tensorBoard : TrainingListener.NONE,
                    reports,
                    picture));
            try (Trainer trainer =
                    new Trainer(plan.config().model(), training, plan.data(), from.checkpoint(), run, listener)) {
                conclude(console, run, trainer.train(), plan.prefixes().get(0));
            }
            if (!stop.isRequested()) {
                reports.requireWritten();
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

    private static Resumed create(TrainPlan plan, StopSignal stop, Console console) throws IOException {
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
            RunDirectory run = RunDirectory.create(plan.path(), plan.config(), plan.vocabulary(), plan.overwrite());
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

    private static void describe(
            Console console, TrainPlan plan, Progress progress, Choice device, MemoryEstimate memory) {
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
                plan.data().batches().count(),
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
        if (plan.resumes()) {
            describe(console, progress, training, plan.data().batches().count());
        } else {
            describePart(console, plan.corpus().fractionRead());
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
    private static String describeRare(TrainPlan plan) {
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
