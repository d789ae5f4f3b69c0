package dev.libretto.cli;

import dev.libretto.device.Devices.Choice;
import dev.libretto.device.NativeLog;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.Parameter;
import dev.libretto.run.Disk;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Resumed;
import dev.libretto.train.Checkpoint;
import dev.libretto.train.Trainer;
import java.io.IOException;
import java.util.List;

/** {@code libretto train}: trains a model on a text, or resumes a run, and reports progress. */
final class TrainCommand {
    private static final String NOTHING_SAVED = "interrupted before the first batch; nothing was saved%n";

    static final Command COMMAND = new Command(
            "train",
            "train a model on a text; report perplexity and samples",
            "",
            TrainFlags.ALL,
            List.of("train --corpus novel.txt --max-chars 0 --epochs 100", "train --resume runs/latest --epochs 500"),
            TrainCommand::run);

    private TrainCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        TrainPlan plan = TrainPlan.of(arguments, console);
        NativeLog.suppressFirstRunMessages();
        Choice device = plan.training().chooseDevice();
        try (StopSignal stop =
                new StopSignal(() -> console.note("stopping after this batch%n"), () -> console.note(NOTHING_SAVED))) {
            Resumed start = plan.resumes()
                    ? RunDirectory.resume(plan.path(), plan.config(), console::warn)
                    : create(plan, stop, console);
            try (RunDirectory run = start.run()) {
                fit(plan, device, start, new TrainReport(plan, run, stop, console));
            }
            return stop.exitCode();
        }
    }

    private static void fit(TrainPlan plan, Choice device, Resumed start, TrainReport report) throws IOException {
        try (report) {
            report.begin(device, start.checkpoint().progress());
            try (Trainer trainer =
                    plan.training().trainer(device, plan.data(), start.checkpoint(), start.run(), report.listeners())) {
                report.conclude(trainer.train());
            }
        } finally {
            start.run().discardIfNeverBegun();
        }
    }

    private static Resumed create(TrainPlan plan, StopSignal stop, Console console) throws IOException {
        List<Parameter> parameters = LanguageModel.parameters(plan.config().model());
        Checkpoint start;
        try (WorkBar bar = console.workBar("drawing weights")) {
            start = plan.training()
                    .firstCheckpoint(place -> bar.at(
                            place,
                            parameters.size(),
                            () -> " " + parameters.get(place).name()));
        }
        synchronized (stop) {
            RunDirectory run = RunDirectory.create(plan.path(), plan.config(), plan.vocabulary(), plan.overwrite());
            stop.onAbandon(() -> abandon(run, console));
            return new Resumed(run, start);
        }
    }

    private static void abandon(RunDirectory run, Console console) {
        try {
            run.discardIfNeverBegun();
            console.note(NOTHING_SAVED);
        } catch (IOException e) {
            console.complain("could not delete " + run.path() + ": " + Disk.reason(e));
        }
    }
}
