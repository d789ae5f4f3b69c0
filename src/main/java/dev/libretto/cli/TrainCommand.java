package dev.libretto.cli;

import dev.libretto.LibrettoException;
import dev.libretto.cli.TfConfig.Role;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.NativeLog;
import dev.libretto.device.Sessions;
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
import java.util.stream.Collectors;
import org.tensorflow.exceptions.TensorFlowException;

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
        Optional<TfConfig> hosts = arguments.has(HostFlags.WORKERS) ? Optional.empty() : TfConfig.of(System.getenv());
        if (hosts.isPresent() && hosts.get().role() == Role.EVALUATOR) {
            console.note("TF_CONFIG makes this host an evaluator, for which there is nothing to do%n");
            return 0;
        }
        if (hosts.isPresent() && hosts.get().role() == Role.WORKER) {
            return WorkerCommand.serve(hosts.get().address(), arguments, console);
        }
        HostFlags.join(arguments, hosts, console);
        TrainPlan plan = TrainPlan.of(arguments, console);
        NativeLog.suppressFirstRunMessages();
        Choice device = plan.training().chooseDevice();
        try (StopSignal stop =
                new StopSignal(() -> console.note("stopping after this batch%n"), () -> console.note(NOTHING_SAVED))) {
            boolean resumes = plan.resumes();
            while (true) {
                Resumed start = resumes
                        ? RunDirectory.resume(plan.path(), plan.config(), console::warn)
                        : create(plan, stop, console);
                try (RunDirectory run = start.run()) {
                    fit(plan, device, start, new TrainReport(plan, run, stop, console));
                    return stop.exitCode();
                } catch (LibrettoException e) {
                    resumes |= start.run().hasBegun();
                    if (!(e.getCause() instanceof TensorFlowException)) {
                        throw e;
                    }
                    HostFlags.rejoin(resumes ? withAdvice(e, plan, console) : e, arguments, stop, console);
                }
            }
        }
    }

    private static LibrettoException withAdvice(LibrettoException lost, TrainPlan plan, Console console) {
        return new LibrettoException(
                lost.getMessage() + "; then continue with \"" + console.command() + " train --resume "
                        + Shell.quote(plan.path().toString()) + " --workers "
                        + Sessions.cluster().workers().stream()
                                .map(worker -> worker.address().toString())
                                .collect(Collectors.joining(","))
                        + "\"",
                lost);
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
