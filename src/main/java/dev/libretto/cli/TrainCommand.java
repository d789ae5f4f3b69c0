package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.LibrettoException;
import dev.libretto.cli.TfConfig.Role;
import dev.libretto.device.Cluster;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.HostAddress;
import dev.libretto.device.LostHostException;
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
import java.util.Optional;
import java.util.function.IntConsumer;

/** {@code libretto train}: trains a model on a text, or resumes a run, and reports progress. */
final class TrainCommand {
    private static final String NOTHING_SAVED = "interrupted before the first batch; nothing was saved%n";

    static final Command COMMAND = new Command(
            "train",
            "train a model on a text; report perplexity and samples",
            "",
            TrainFlags.ALL,
            List.of(
                    "train --corpus novel.txt --max-chars 0 --epochs 100",
                    "train --init-from runs/novels --corpus poems.txt --optimizer adam",
                    "train --resume runs/latest --epochs 500"),
            TrainCommand::run);

    private TrainCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        Optional<TfConfig> hosts = arguments.has(HostFlags.WORKERS) ? Optional.empty() : TfConfig.of(System.getenv());
        if (hosts.isPresent() && hosts.get().role() == Role.EVALUATOR) {
            console.note("TF_CONFIG makes this host an evaluator, for which there is nothing to do%n");
            return 0;
        }
        if (hosts.isPresent() && hosts.get().role() == Role.WORKER) {
            return WorkerCommand.serve(hosts.get().address(), arguments, console);
        }
        List<HostAddress> workers = HostFlags.workers(arguments, hosts);
        TrainPlan plan = TrainPlan.of(arguments, 1 + workers.size(), console);
        NativeLog.suppressFirstRunMessages();
        Choice device = plan.training().chooseDevice();
        try (StopSignal stop = new StopSignal(
                console.statusLine(),
                () -> console.note("stopping after this batch%n"),
                () -> console.note(NOTHING_SAVED))) {
            Cluster cluster = null;
            if (!workers.isEmpty()) {
                device.use();
                cluster = HostFlags.join(workers, arguments, hosts, console);
            }
            train(plan, device, cluster, arguments, stop, console);
            return stop.exitCode();
        }
    }

    /** @param cluster null if this host computes alone */
    private static void train(
            TrainPlan plan, Choice device, Cluster cluster, Arguments arguments, StopSignal stop, Console console)
            throws Exception {
        Cluster joined = cluster;
        boolean resumes = plan.resumes();
        boolean isFirst = true;
        while (true) {
            Resumed start = resumes
                    ? RunDirectory.resume(plan.path(), plan.config(), console::warn)
                    : create(plan, stop, console);
            RunDirectory run = start.run();
            TrainReport report = new TrainReport(plan, run, arguments.repeated(HostFlags.ALL), stop, console);
            try (run) {
                fit(plan, device, joined, start, report, isFirst);
                return;
            } catch (LostHostException lost) {
                resumes |= run.hasBegun();
                String advice = resumes ? continueWith(plan, arguments, console) : "";
                if (!arguments.get(HostFlags.WAIT_FOR_WORKERS)
                        || stop.isRequested()
                        || lost.isBack() && !report.hasComputed()) {
                    throw new LibrettoException(lost.getMessage() + (resumes ? "; " + advice : ""), lost);
                }
                stop.onAbandon(resumes ? () -> console.note("%s%n", advice) : () -> console.note(NOTHING_SAVED));
                joined = HostFlags.rejoin(joined, lost, arguments, console);
                isFirst = false;
            }
        }
    }

    private static String continueWith(TrainPlan plan, Arguments arguments, Console console) {
        return "continue with \"" + console.command() + " train --resume "
                + Shell.quote(plan.path().toString()) + arguments.repeated(HostFlags.ALL) + "\"";
    }

    private static void fit(
            TrainPlan plan, Choice device, Cluster cluster, Resumed start, TrainReport report, boolean isFirst)
            throws IOException {
        try (report) {
            if (isFirst) {
                report.begin(device, start.checkpoint().progress());
            } else {
                report.beginAgain(start.checkpoint().progress());
            }
            try (Trainer trainer = plan.training()
                    .on(cluster)
                    .trainer(device, plan.data(), start.checkpoint(), start.run(), report.listeners())) {
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
            IntConsumer progress = place -> bar.at(
                    place, parameters.size(), () -> " " + parameters.get(place).name());
            start = firstCheckpoint(plan, progress, console);
        }
        synchronized (stop) {
            RunDirectory run = RunDirectory.create(plan.path(), plan.config(), plan.vocabulary(), plan.overwrite());
            stop.onAbandon(() -> abandon(run, console));
            return new Resumed(run, start);
        }
    }

    private static Checkpoint firstCheckpoint(TrainPlan plan, IntConsumer progress, Console console)
            throws IOException {
        if (plan.initial() == null) {
            return plan.training().firstCheckpoint(progress);
        }
        try (CharModel trained = plan.initial().open(console)) {
            return plan.training().firstCheckpoint(trained, plan.vocabulary(), progress);
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
