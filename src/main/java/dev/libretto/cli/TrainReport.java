package dev.libretto.cli;

import dev.libretto.device.Devices.Choice;
import dev.libretto.generate.Decoder;
import dev.libretto.generate.EagerModel;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.RecurrenceType;
import dev.libretto.model.Weights;
import dev.libretto.plot.RunPicture;
import dev.libretto.run.Disk;
import dev.libretto.run.ReportConfig;
import dev.libretto.run.ReportedTexts;
import dev.libretto.run.RunDirectory;
import dev.libretto.tensorboard.TensorBoard;
import dev.libretto.train.EpochMetrics;
import dev.libretto.train.LearningRate;
import dev.libretto.train.MemoryEstimate;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import dev.libretto.train.TrainStep.StepMetrics;
import dev.libretto.train.TrainingListener;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Supplier;

/**
 * What {@code train} shows: the settings, a progress bar, reports as in the textbook (perplexity, time, and a greedy
 * continuation of each prefix), and what to do next. It also passes a stop signal on to training.
 */
final class TrainReport implements TrainingListener, AutoCloseable {
    private final TrainPlan plan;
    private final RunDirectory run;
    private final String hosts;
    private final StopSignal stop;
    private final Console console;
    private final ModelConfig model;
    private final TrainConfig training;
    private final ReportConfig config;
    private final RunPicture picture;
    private final TensorBoard tensorBoard;
    private WorkBar bar;
    private boolean hasComputed;
    private boolean keepsTexts = true;
    /** Null if every report was written. */
    private OutputException failure;

    /** @param hosts the options of several hosts, to train on them again */
    TrainReport(TrainPlan plan, RunDirectory run, String hosts, StopSignal stop, Console console) {
        this.plan = plan;
        this.run = run;
        this.hosts = hosts;
        this.stop = stop;
        this.console = console;
        model = plan.config().model();
        training = plan.config().training();
        config = plan.config().report();
        picture = new RunPicture(run, config.every(), console::warn);
        tensorBoard = new TensorBoard(run, config.every(), console::warn);
        bar = console.workBar("preparing");
    }

    /** Returns what training informs: TensorBoard first, which the samples of a report follow. */
    TrainingListener[] listeners() {
        return new TrainingListener[] {config.tensorBoard() ? tensorBoard : TrainingListener.NONE, this, picture};
    }

    void begin(Choice device, Progress start) {
        console.note(
                """
                        corpus: %s, %s%,d characters, %,d distinct%s
                        batches: %,d per epoch, %d rows of %d time steps, %s sampling
                        model: %s, %,d hidden units, %,d parameters
                        device: %s
                        """,
                plan.corpus().name(),
                describeDocuments(),
                plan.corpus().characters(),
                plan.corpus().distinct(),
                describeRare(),
                plan.data().batches().count(),
                training.batchSize(),
                training.seqLength(),
                training.sampling(),
                (model.layers() == 1 ? "" : model.layers() + " layers of ")
                        + model.cell().toString().toUpperCase(Locale.ROOT),
                model.hiddenSize(),
                LanguageModel.countParameters(model),
                device);
        if (plan.initial() != null) {
            console.note("weights: from %s%n", plan.config().origin());
        }
        if (!training.frozen().isEmpty()) {
            console.note(
                    "frozen: %s; %,d parameters are trained%n",
                    String.join(", ", training.frozen()),
                    LanguageModel.parameters(model).stream()
                            .filter(training::trains)
                            .mapToLong(Parameter::size)
                            .sum());
        }
        if (training.emaDecay() > 0) {
            console.note(
                    "average: validation, checkpoints and samples use averaged weights, decay %s%n",
                    training.emaDecay());
        }
        console.note("parts: %s%n", describeParts(training.batchSize(), training.parts()));
        if (device.device().isGpu()) {
            console.note("recurrence: %s%n", describeOnGpu(device));
        } else {
            console.note("memory: %s%n", MemoryEstimate.ofTraining(model, training));
        }
        if (plan.resumes()) {
            describeStart(start);
        } else {
            describeFraction(plan.corpus().fractionRead());
        }
    }

    /** Continues the report after hosts were lost. */
    void beginAgain(Progress start) {
        if (run.hasBegun()) {
            console.note("resuming after epoch %d, batch %d of the next%n", start.epoch(), start.batch());
        }
    }

    /** Returns whether a batch was computed. */
    boolean hasComputed() {
        return hasComputed;
    }

    private String describeDocuments() {
        long documents = plan.corpus().documents();
        return documents == 0 ? "" : String.format(Locale.ROOT, "%,d documents, ", documents);
    }

    private String describeRare() {
        long rare = plan.vocabulary().countUnknown(plan.corpus());
        return rare == 0
                ? ""
                : String.format(
                        Locale.ROOT,
                        "; %,d are in the vocabulary, and the others, %,d times in the text, are read as U+FFFD",
                        plan.vocabulary().countKnown(plan.corpus()),
                        rare);
    }

    private String describeOnGpu(Choice device) {
        CellType cell = model.cell();
        return switch (RecurrenceType.of(model, true, device.precision().factorType())) {
            case CUDNN -> "all time steps at once, by cuDNN";
            case UNROLLED ->
                "time step by time step, for cuDNN "
                        + (model.endSymbol()
                                ? "cannot zero the state where a document begins"
                                : RecurrenceType.CUDNN.supports(cell)
                                        ? "computes it in float32 and tf32"
                                        : "has no " + cell);
        };
    }

    static String describeParts(int rows, int parts) {
        if (parts == 1) {
            return "1, all rows together";
        }
        int most = (rows + parts - 1) / parts;
        return parts + (rows % parts == 0 ? " of " : " of up to ") + most + (most == 1 ? " row" : " rows")
                + ", computed in parallel";
    }

    /** @param fraction of the text that is read; NaN if unknown */
    private void describeFraction(double fraction) {
        long percent = Math.round(100 * fraction);
        if (percent < 100) {
            String share = Double.isNaN(fraction) ? "a part" : percent == 0 ? "less than 1%" : "about " + percent + "%";
            console.note("these characters are %s of the text; --max-chars 0 reads all of it%n", share);
        }
    }

    private void describeStart(Progress start) {
        if (start.epoch() >= training.epochs()) {
            console.note("all %d epochs are trained; --epochs N trains more%n", start.epoch());
            return;
        }
        console.note("resuming after epoch %d, batch %d of the next%n", start.epoch(), start.batch());
        LearningRate rate = training.optimizer().learningRate();
        int batches = plan.data().batches().count();
        double now = rate.at(start.epoch(), start.batch(), batches) * start.learningRateFactor();
        double last = rate.at(training.epochs() - 1, batches - 1, batches) * start.learningRateFactor();
        String epochs = rate.decayEpochs() == 1 ? "epoch" : Flag.shortest(rate.decayEpochs()) + " epochs";
        switch (rate.schedule()) {
            case CONSTANT -> console.note("learning rate: %.4g%n", now);
            case PLATEAU ->
                console.note(
                        "learning rate: %.4g now; the plateau schedule decays it after %s without a lower validation loss%n",
                        now, rate.decayEpochs() == 1 ? "an epoch" : epochs);
            case STEP ->
                console.note(
                        "learning rate: %.4g now, %.4g in the last batch; the step schedule decays it every %s%n",
                        now, last, epochs);
            case EXPONENTIAL, COSINE ->
                console.note(
                        "learning rate: %.4g now, %.4g in the last batch; the %s schedule decays it over %s%s%s%n",
                        now,
                        last,
                        rate.schedule(),
                        rate.decayEpochs() < training.epochs() ? "the first " : "",
                        epochs,
                        rate.decayEpochs() < training.epochs()
                                ? "; --extend-schedule decays it over all " + training.epochs()
                                : "");
        }
    }

    /** From now on a signal waits for the batch. */
    @Override
    public void firstBatchComputed() {
        hasComputed = true;
        stop.trainingStarted();
        bar.close();
        bar = console.workBar("training");
    }

    @Override
    public void trainingStarted() {
        try {
            console.runs().pointLatestAt(run);
        } catch (IOException e) {
            console.warn("could not point " + console.runs().folder() + "/latest at this run: " + Disk.reason(e));
        }
    }

    @Override
    public boolean stopRequested() {
        return stop.isRequested();
    }

    @Override
    public void batchEnded(Progress progress, int batches, StepMetrics metrics) {
        bar.at(
                (long) progress.epoch() * batches + progress.batch(),
                (long) training.epochs() * batches,
                () -> String.format(
                        Locale.ROOT,
                        " epoch %d, batch %d, loss %.3f, %,.0f characters/s",
                        progress.epoch() + 1,
                        progress.batch(),
                        metrics.loss(),
                        (double) progress.batch() * training.batchSize() * training.seqLength() / progress.seconds()));
    }

    @Override
    public void epochEnded(EpochMetrics metrics, Supplier<Weights> weights) {
        console.detail(
                "epoch %d of %d: loss %f, perplexity %f, %.3f s, %,.0f characters/s, learning rate %s%n",
                metrics.epoch(),
                training.epochs(),
                metrics.loss(),
                metrics.perplexity(),
                metrics.seconds(),
                metrics.charsPerSecond(),
                metrics.learningRate());
        if (metrics.epoch() % config.every() == 0) {
            report(metrics, weights);
        }
    }

    @Override
    public void trainingEnded(EpochMetrics metrics, Supplier<Weights> weights) {
        if (metrics.epoch() % config.every() != 0) {
            report(metrics, weights);
        }
    }

    @Override
    public void rolledBack(String message) {
        console.warn(message);
    }

    private void report(EpochMetrics metrics, Supplier<Weights> weights) {
        List<String> samples = samples(weights.get());
        tensorBoard.samplesGenerated(samples);
        keep(new ReportedTexts(metrics.epoch(), samples));
        String validation = metrics.validationLoss() == null
                ? ""
                : String.format(Locale.ROOT, " validation perplexity %f,", metrics.validationPerplexity());
        try {
            console.print(
                    "epoch %d, perplexity %f,%s time %.2f sec%n",
                    metrics.epoch(), metrics.perplexity(), validation, metrics.seconds());
            samples.forEach(sample -> console.print(" - %s%n", sample));
            console.out().flush();
        } catch (OutputException e) {
            // Training continues; the failure is reported at the end.
            failure = e;
        }
    }

    /** If the texts cannot be kept, it warns once and training continues. */
    private void keep(ReportedTexts report) {
        if (!keepsTexts) {
            return;
        }
        try {
            run.append(report);
        } catch (IOException e) {
            keepsTexts = false;
            console.warn("could not keep the texts of this report in " + run.path() + ": " + Disk.reason(e)
                    + "; training continues without it");
        }
    }

    private List<String> samples(Weights weights) {
        List<String> samples = new ArrayList<>();
        try (EagerModel eager = new EagerModel(model, weights)) {
            for (String prefix : plan.prefixes()) {
                StringBuilder text = new StringBuilder(prefix);
                new Decoder(eager)
                        .write(
                                List.of(plan.vocabulary().encode(prefix)),
                                1,
                                Decoder.Options.greedy(config.length()),
                                (row, character) ->
                                        text.append(plan.vocabulary().decode(character.id())));
                samples.add(text.toString());
            }
        }
        return samples;
    }

    /** Shows how training ended and what to do next. Throws if a report could not be written. */
    void conclude(Progress end) {
        String path = Shell.quote(run.path().toString());
        if (end.validation() != null) {
            console.note(
                    "lowest validation loss %f after epoch %d; its weights are kept%n",
                    end.validation().lowest(), end.validation().lowestEpoch());
        }
        if (training.validation().isOutOfPatience(end)) {
            console.note(
                    "stopped early after epoch %d of %d: no lower validation loss for %d epochs%n",
                    end.epoch(), training.epochs(), training.validation().patience());
        } else if (end.epoch() < training.epochs()) {
            console.note(
                    "stopped in epoch %d of %d; progress is saved; resume with:%n  %s train --resume %s%s%n",
                    end.epoch() + 1, training.epochs(), console.command(), path, hosts);
        }
        String prefix = plan.prefixes().get(0);
        console.note(
                "the run is in %s; generate text with:%n  %s generate --run %s %s%n",
                run.path(),
                console.command(),
                path,
                prefix.isEmpty()
                        ? "--temperature 1 --num-samples 10"
                        : "--prefix " + Shell.quote(prefix) + " --length " + GenerateCommand.DEFAULT_LENGTH);
        if (failure != null && !stop.isRequested()) {
            throw failure;
        }
    }

    @Override
    public void close() {
        try (picture;
                tensorBoard) {
            bar.close();
        }
    }
}
