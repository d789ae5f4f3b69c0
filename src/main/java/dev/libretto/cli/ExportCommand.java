package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.device.NativeLog;
import dev.libretto.export.Description;
import dev.libretto.export.ExportFormat;
import dev.libretto.export.Layout;
import dev.libretto.run.RunDirectory.Which;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;

/** {@code libretto export}: writes a trained model's weights for Keras or PyTorch, or all of it for a runtime. */
final class ExportCommand implements Command {
    /** Other programs' formats, which a file of Libretto's must not seem to have. */
    private static final Set<String> FOREIGN = Set.of("h5", "hdf5", "keras", "pt", "pth", "ckpt", "pb", "tflite");

    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to export (default the latest, runs/latest)");
    static final Flag<Which> CHECKPOINT = GenerateFlags.CHECKPOINT;
    static final Flag<ExportFormat> FORMAT = Flag.oneOf(
            "format",
            "weights as safetensors or npz, or a model to run: a SavedModel or ONNX; without it, --out decides if it ends in"
                    + " .safetensors, .npz or .onnx",
            ExportFormat.SAFETENSORS);
    static final Flag<Layout> LAYOUT = Flag.oneOf(
            "layout", "whose names, shapes and gate order the weights of a safetensors or npz get", Layout.PYTORCH);
    static final Flag<Path> OUT = Flag.path(
            "out",
            "FILE",
            "file to write; beside weights, FILE.json describes the model and has its vocabulary; a SavedModel is a"
                    + " directory");
    static final Flag<Boolean> OVERWRITE = Flag.toggle("overwrite", "replace what is there");

    @Override
    public String name() {
        return "export";
    }

    @Override
    public String summary() {
        return "write a model for Keras or PyTorch, as a SavedModel or ONNX";
    }

    @Override
    public List<Flag<?>> flags() {
        return List.of(RUN, CHECKPOINT, FORMAT, LAYOUT, OUT, OVERWRITE);
    }

    @Override
    public List<String> examples() {
        return List.of(
                "export --out lyrics.safetensors",
                "export --run runs/latest --layout keras --out lyrics.npz",
                "export --out lyrics.onnx",
                "export --format savedmodel --out lyrics");
    }

    @Override
    public int run(Arguments arguments, Console console) throws Exception {
        boolean overwrite = arguments.get(OVERWRITE);
        Path out = arguments.get(OUT);
        Path named = arguments.get(RUN);
        if (out == null) {
            throw new UsageException("there is no file to write; add --out FILE");
        }
        ExportFormat format = format(arguments, out);
        Layout layout = arguments.get(LAYOUT);
        if (!format.hasLayout() && arguments.has(LAYOUT)) {
            throw new UsageException("--layout is for weights; --format " + format + " has none");
        }
        format.requireWritable(out, overwrite);
        Path run = console.runPath(named);
        NativeLog.suppressFirstRunMessages();
        try (CharModel model = CharModel.open(run, arguments.get(CHECKPOINT), console::warn)) {
            model.export(format, layout, out, overwrite);
            if (format.hasLayout()) {
                console.note(
                        "%,d parameters are in %s, in the %s layout; %s describes the model%n",
                        model.weights().count(), out, layout, Description.beside(out));
            } else {
                console.note(
                        "a model of %,d parameters is in %s%n", model.weights().count(), out);
            }
        }
        return 0;
    }

    /** Returns the format that is given, else the one of the file's name. */
    private static ExportFormat format(Arguments arguments, Path out) throws UsageException {
        ExportFormat given = arguments.get(FORMAT);
        String name = String.valueOf(out.getFileName());
        String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        if (!name.contains(".")) {
            return given;
        }
        if (FOREIGN.contains(extension)) {
            throw new UsageException("--out is \"" + out + "\", but export writes no ." + extension
                    + " file; its name may end in .safetensors, .npz or .onnx");
        }
        ExportFormat named = ExportFormat.ofExtension(extension).orElse(given);
        if (arguments.has(FORMAT) && named != given) {
            throw new UsageException("--format is " + given + ", but --out \"" + out + "\" ends in ." + extension
                    + "; change one of them");
        }
        return named;
    }
}
