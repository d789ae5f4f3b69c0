package dev.libretto.cli;

import dev.libretto.LibrettoException;
import dev.libretto.device.Build;
import dev.libretto.device.CudaLibrary;
import dev.libretto.device.DeviceRequest;
import dev.libretto.device.Devices;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.Host;
import dev.libretto.device.NativeLog;
import dev.libretto.device.NvidiaSmi;
import dev.libretto.device.Precision;
import dev.libretto.device.TensorFlowSetup;
import dev.libretto.export.OnnxRuntime;
import dev.libretto.model.CellType;
import dev.libretto.run.Json;
import dev.libretto.train.DeviceTrial;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;

/** {@code libretto doctor}: shows devices and libraries, checks that they work, and names what is missing. */
final class DoctorCommand {
    static final Flag<Boolean> JSON = Flag.toggle("json", "print JSON");

    /**
     * What was found.
     *
     * @param onnxRuntime its version; null if it cannot be loaded
     * @param nvidiaSmi null in a CPU build
     * @param environment the user's variables that may change results or speed
     * @param libraries of CUDA; empty in a CPU build
     * @param trials the CPU first
     * @param problem why the requested device does not work; null if it does
     */
    record Report(
            String java,
            Build build,
            String tensorflow,
            String onnxRuntime,
            Host host,
            Map<String, String> environment,
            NvidiaSmi nvidiaSmi,
            List<CudaLibrary.Found> libraries,
            List<Trial> trials,
            String problem) {}

    /**
     * A few training steps on a device.
     *
     * @param tensorflowDevices the types of the devices that TensorFlow sees
     * @param difference the largest relative difference from the CPU's losses in float32
     */
    record Trial(
            String device,
            Precision precision,
            CellType cell,
            List<String> tensorflowDevices,
            double secondsPerStep,
            double difference) {}

    static final Command COMMAND = new Command(
            "doctor",
            "check devices and libraries; exit code 0 if they work",
            "",
            List.of(DeviceFlags.DEVICES, DeviceFlags.PRECISION, JSON),
            List.of("doctor", "doctor --device gpu --json"),
            DoctorCommand::run);

    private DoctorCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        DeviceRequest request = arguments.get(DeviceFlags.DEVICES);
        Precision precision = arguments.get(DeviceFlags.PRECISION);
        boolean json = arguments.get(JSON);
        Report report = examine(request, precision);
        if (json) {
            console.out().print(Json.write(report));
        } else {
            print(report, console);
        }
        console.out().flush();
        if (report.problem() != null) {
            console.complain("libretto doctor: " + report.problem());
            return 1;
        }
        return 0;
    }

    private static Report examine(DeviceRequest request, Precision precision) throws IOException {
        NativeLog.suppressFirstRunMessages();
        Build build = Build.current();
        List<Trial> trials = new ArrayList<>();
        String problem = null;
        try {
            Choice.CPU.use();
            DeviceTrial.Steps steps = new DeviceTrial(CellType.RNN).run();
            trials.add(trial(Choice.CPU, CellType.RNN, steps, steps));
            Choice choice = new Devices().choose(request, precision);
            if (choice.device().isGpu() || precision != Precision.FLOAT32) {
                List<Trial> compared = compare(choice);
                trials.addAll(compared);
                problem = disagreement(compared, precision);
            }
        } catch (LibrettoException e) {
            problem = e.getMessage();
        }
        String onnxRuntime = null;
        try {
            onnxRuntime = OnnxRuntime.version();
        } catch (IOException e) {
            problem = problem == null ? e.getMessage() : problem;
        }
        return new Report(
                Runtime.version().toString(),
                build,
                TensorFlowSetup.version(),
                onnxRuntime,
                Host.current(),
                TensorFlowSetup.overridden(System.getenv()),
                build.isCuda() ? NvidiaSmi.query() : null,
                build.isCuda() ? CudaLibrary.findAll() : List.of(),
                trials,
                problem);
    }

    /** Every cell, because cuDNN does not support all of them. */
    private static List<Trial> compare(Choice choice) throws IOException {
        List<Trial> trials = new ArrayList<>();
        for (CellType cell : CellType.values()) {
            Choice.CPU.use();
            DeviceTrial deviceTrial = new DeviceTrial(cell);
            DeviceTrial.Steps expected = deviceTrial.run();
            choice.use();
            trials.add(trial(choice, cell, deviceTrial.run(), expected));
        }
        return trials;
    }

    private static Trial trial(Choice choice, CellType cell, DeviceTrial.Steps steps, DeviceTrial.Steps expected) {
        return new Trial(
                choice.device().toString(),
                choice.precision(),
                cell,
                Devices.types(choice.device()),
                steps.seconds(),
                steps.differenceFrom(expected));
    }

    /** Returns null if the device agrees with the CPU. */
    private static String disagreement(List<Trial> trials, Precision precision) {
        return trials.stream()
                .filter(trial -> trial.difference() > precision.tolerance())
                .findFirst()
                .map(trial -> String.format(
                        Locale.ROOT,
                        "losses of %s on %s differ from the CPU's in float32 by %.1e, more than the tolerance %.0e of %s;"
                                + " update the driver, or use --device cpu",
                        trial.cell(),
                        trial.device(),
                        trial.difference(),
                        precision.tolerance(),
                        precision))
                .orElse(null);
    }

    private static void print(Report report, Console console) {
        Build build = report.build();
        console.print(
                "libretto %s, %s build (%s)%n", build.version(), build.isCuda() ? "CUDA" : "CPU", build.classifier());
        console.print(
                "TensorFlow %s (TensorFlow Java %s), Java %s%n",
                report.tensorflow(), build.tensorflowJava(), report.java());
        console.print(
                "ONNX Runtime: %s%n", report.onnxRuntime() == null ? "it cannot be loaded" : report.onnxRuntime());
        Host host = report.host();
        console.print(
                "machine: %s, %s, %d cores, %.1f GiB, of which Java's objects take up to %.1f GiB%n",
                host.system(),
                host.processor().isEmpty() ? "unknown processor" : host.processor(),
                host.cores(),
                host.memory() / (double) (1 << 30),
                host.javaHeap() / (double) (1 << 30));
        console.out().println("processor features: " + String.join(" ", host.features()));
        printEnvironment(report.environment(), console);
        if (build.isCuda()) {
            print(report.nvidiaSmi(), console);
            report.libraries().forEach(library -> print(library, console));
        }
        for (Trial trial : report.trials()) {
            console.print(
                    "%s, %s: TensorFlow sees %s; a training step of %s takes %.1f ms; losses differ from the CPU's by %.1e%n",
                    trial.device(),
                    trial.precision(),
                    String.join(" and ", trial.tensorflowDevices()),
                    trial.cell(),
                    1000 * trial.secondsPerStep(),
                    trial.difference());
        }
    }

    private static void printEnvironment(Map<String, String> environment, Console console) {
        if (!environment.isEmpty()) {
            console.print(
                    "environment: %s; results or speed may differ from those without\n",
                    environment.entrySet().stream()
                            .map(variable -> variable.getKey() + "=" + Shell.quote(variable.getValue()))
                            .collect(Collectors.joining(" ")));
        }
    }

    private static void print(NvidiaSmi nvidiaSmi, Console console) {
        if (nvidiaSmi.problem() != null) {
            console.out().println("nvidia-smi: " + nvidiaSmi.problem());
        }
        nvidiaSmi.cards().forEach(card -> console.out().println("nvidia-smi: " + card));
    }

    private static void print(CudaLibrary.Found library, Console console) {
        String state = library.problem() == null ? "found" : library.required() ? "MISSING" : "missing (optional)";
        console.print(
                "%s (%s): %s%s%s%s%n",
                library.library(),
                library.file(),
                state,
                library.version() == null ? "" : ", " + library.version(),
                library.path() == null ? "" : ", in " + library.path(),
                library.problem() == null ? "" : ": " + library.problem());
    }
}
