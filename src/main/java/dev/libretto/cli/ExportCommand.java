package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.device.Devices.Choice;
import dev.libretto.device.NativeLog;
import dev.libretto.export.ExportFormat;
import dev.libretto.export.ExportedModel;
import dev.libretto.export.Layout;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** {@code libretto export}: exports weights for Keras or PyTorch, or a model for a runtime. */
final class ExportCommand {
    /** Extensions of formats that Libretto does not write. */
    private static final Set<String> FOREIGN =
            Set.of("h5", "hdf5", "keras", "npz", "pt", "pth", "ckpt", "pb", "tflite");

    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to export (default the latest, runs/latest)");
    static final Flag<Which> CHECKPOINT = GenerateFlags.CHECKPOINT;
    static final Flag<ExportFormat> FORMAT = Flag.oneOf(
            "format",
            "weights as safetensors, or a model as savedmodel or onnx; by default, the format that --out ends in",
            ExportFormat.SAFETENSORS);
    static final Flag<Layout> LAYOUT =
            Flag.oneOf("layout", "names, shapes and gate order of the weights", Layout.PYTORCH);
    static final Flag<Path> OUT = Flag.path(
            "out",
            "FILE",
            "file to write; weights come with FILE.json, a description with the vocabulary; a SavedModel is a"
                    + " directory");
    static final Flag<Boolean> OVERWRITE = Flag.toggle("overwrite", "replace an existing file or directory");

    static final Command COMMAND = new Command(
            "export",
            "export a model for Keras or PyTorch, or as a SavedModel or ONNX",
            "",
            List.of(RUN, CHECKPOINT, FORMAT, LAYOUT, OUT, OVERWRITE),
            List.of(
                    "export --out lyrics.safetensors",
                    "export --run runs/latest --layout keras --out lyrics.safetensors",
                    "export --out lyrics.onnx",
                    "export --format savedmodel --out lyrics"),
            ExportCommand::run);

    private ExportCommand() {}

    private static int run(Arguments arguments, Console console) throws Exception {
        boolean overwrite = arguments.get(OVERWRITE);
        Path out = arguments.get(OUT);
        Path named = arguments.get(RUN);
        if (out == null) {
            throw new UsageException("missing output file; add --out FILE");
        }
        ExportFormat format = format(arguments, out);
        Layout layout = arguments.get(LAYOUT);
        if (!format.hasLayout() && arguments.has(LAYOUT)) {
            throw new UsageException("--layout has no effect with --format " + format);
        }
        format.requireWritable(out, overwrite);
        RunDirectory run = RunDirectory.open(console.runPath(named));
        NativeLog.suppressFirstRunMessages();
        try (CharModel model = CharModel.open(run, arguments.get(CHECKPOINT), Choice.CPU, console::warn)) {
            model.export(format, layout, out, overwrite);
            if (format.hasLayout()) {
                console.note(
                        "wrote %,d parameters to %s in the %s layout; %s describes the model%n",
                        model.weights().count(), out, layout, ExportedModel.descriptionOf(out));
            } else {
                console.note(
                        "wrote a model of %,d parameters to %s%n",
                        model.weights().count(), out);
            }
        }
        return 0;
    }

    private static ExportFormat format(Arguments arguments, Path out) throws UsageException {
        ExportFormat given = arguments.get(FORMAT);
        String name = String.valueOf(out.getFileName());
        String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        if (!name.contains(".")) {
            return given;
        }
        if (FOREIGN.contains(extension)) {
            throw new UsageException("--out cannot be a ." + extension
                    + " file; it may end in .safetensors or .onnx (got " + Shell.quote(out.toString()) + ")");
        }
        ExportFormat named = ExportFormat.ofExtension(extension).orElse(given);
        if (arguments.has(FORMAT) && named != given) {
            throw new UsageException("--format " + given + " does not match --out " + Shell.quote(out.toString())
                    + "; change one of them");
        }
        return named;
    }
}
