package dev.libretto.cli;

import dev.libretto.device.NativeLog;
import dev.libretto.export.Description;
import dev.libretto.export.Layout;
import dev.libretto.export.ModelSettings;
import dev.libretto.export.PortableModel;
import dev.libretto.export.TrainedModel;
import dev.libretto.export.WeightsFormat;
import dev.libretto.model.Weights;
import dev.libretto.run.AtomicWrite;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/** {@code libretto export}: writes a trained model's weights for Keras or PyTorch, or all of it for a runtime. */
final class ExportCommand implements Command {
    /** What is written: weights alone, or a model with its computation. */
    enum Format {
        SAFETENSORS,
        NPZ,
        SAVEDMODEL,
        ONNX;

        /** Returns the format whose file names end in an extension; empty for none, and for a SavedModel's directory. */
        static Optional<Format> ofExtension(String extension) {
            return Stream.of(SAFETENSORS, NPZ, ONNX)
                    .filter(format -> format.toString().equals(extension))
                    .findFirst();
        }

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** Other programs' formats, which a file of Libretto's must not seem to have. */
    private static final Set<String> FOREIGN = Set.of("h5", "hdf5", "keras", "pt", "pth", "ckpt", "pb", "tflite");

    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to export (default the latest, runs/latest)");
    static final Flag<Which> CHECKPOINT = GenerateFlags.CHECKPOINT;
    static final Flag<Format> FORMAT = Flag.oneOf(
            "format",
            "weights as safetensors or npz, or a model to run: a SavedModel or ONNX; without it, --out decides if it ends in"
                    + " .safetensors, .npz or .onnx",
            Format.SAFETENSORS);
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
        Format format = format(arguments, out);
        Layout layout = arguments.get(LAYOUT);
        boolean isWeights = format == Format.SAFETENSORS || format == Format.NPZ;
        if (!isWeights && arguments.has(LAYOUT)) {
            throw new UsageException("--layout is for weights; --format " + format + " has none");
        }
        requireWritable(out, format, overwrite);
        RunDirectory run = RunDirectory.open(console.runPath(named));
        NativeLog.passOverFirstRun();
        Weights weights =
                run.checkpoint(arguments.get(CHECKPOINT), console::warn).weights();
        switch (format) {
            case SAFETENSORS -> exportWeights(run, weights, layout, WeightsFormat.SAFETENSORS, out, overwrite);
            case NPZ -> exportWeights(run, weights, layout, WeightsFormat.NPZ, out, overwrite);
            case SAVEDMODEL -> trainedModel(run, weights).writeSavedModel(out, overwrite);
            case ONNX -> trainedModel(run, weights).writeOnnx(out, overwrite);
        }
        if (isWeights) {
            console.note(
                    "%,d parameters are in %s, in the %s layout; %s describes the model%n",
                    weights.count(), out, layout, Description.beside(out));
        } else {
            console.note("a model of %,d parameters is in %s%n", weights.count(), out);
        }
        return 0;
    }

    /** Returns the format that is given, else the one of the file's name. */
    private static Format format(Arguments arguments, Path out) throws UsageException {
        Format given = arguments.get(FORMAT);
        String name = String.valueOf(out.getFileName());
        String extension = name.substring(name.lastIndexOf('.') + 1).toLowerCase(Locale.ROOT);
        if (!name.contains(".")) {
            return given;
        }
        if (FOREIGN.contains(extension)) {
            throw new UsageException("--out is \"" + out + "\", but export writes no ." + extension
                    + " file; its name may end in .safetensors, .npz or .onnx");
        }
        Format named = Format.ofExtension(extension).orElse(given);
        if (arguments.has(FORMAT) && named != given) {
            throw new UsageException("--format is " + given + ", but --out \"" + out + "\" ends in ." + extension
                    + "; change one of them");
        }
        return named;
    }

    private static void requireWritable(Path out, Format format, boolean overwrite) throws IOException {
        switch (format) {
            case SAFETENSORS, NPZ -> PortableModel.requireWritable(overwrite, out);
            case SAVEDMODEL -> TrainedModel.requireWritableDirectory(overwrite, out);
            case ONNX -> AtomicWrite.requireWritable(overwrite, out);
        }
    }

    private static void exportWeights(
            RunDirectory run, Weights weights, Layout layout, WeightsFormat format, Path out, boolean overwrite)
            throws IOException {
        Description description = new Description(
                layout,
                run.config().model(),
                run.config().corpus().keepNewlines(),
                run.vocabulary().hasUnknown(),
                run.vocabulary().symbols());
        new PortableModel(description, weights).write(out, format, overwrite);
    }

    private static TrainedModel trainedModel(RunDirectory run, Weights weights) {
        ModelSettings settings = new ModelSettings(
                run.config().model(),
                run.config().corpus().keepNewlines(),
                run.vocabulary().hasUnknown());
        return new TrainedModel(settings, run.vocabulary(), weights);
    }
}
