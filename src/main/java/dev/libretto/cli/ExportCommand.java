package dev.libretto.cli;

import dev.libretto.device.NativeLog;
import dev.libretto.export.Description;
import dev.libretto.export.Layout;
import dev.libretto.export.ModelSettings;
import dev.libretto.export.PortableModel;
import dev.libretto.export.TrainedModel;
import dev.libretto.export.WeightsFormat;
import dev.libretto.model.Weights;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;

/** {@code libretto export}: writes a trained model's weights for Keras or PyTorch, or all of it for a runtime. */
final class ExportCommand implements Command {
    /** What is written: weights alone, or a model with its computation. */
    enum Format {
        SAFETENSORS,
        NPZ,
        SAVEDMODEL,
        ONNX;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    static final Flag<Path> RUN = Flag.path("run", "DIR", "run to export (default the latest, runs/latest)");
    static final Flag<Which> CHECKPOINT = GenerateFlags.CHECKPOINT;
    static final Flag<Format> FORMAT = Flag.oneOf(
            "format", "weights as safetensors or npz, or a model to run: a SavedModel or ONNX", Format.SAFETENSORS);
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
                "export --run runs/latest --format npz --layout keras --out lyrics.npz",
                "export --format onnx --out lyrics.onnx");
    }

    @Override
    public int run(Arguments arguments, Console console) throws Exception {
        Format format = arguments.get(FORMAT);
        boolean overwrite = arguments.get(OVERWRITE);
        Path out = arguments.get(OUT);
        Path named = arguments.get(RUN);
        if (out == null) {
            throw new UsageException("there is no file to write; add --out FILE");
        }
        Layout layout = arguments.get(LAYOUT);
        boolean isWeights = format == Format.SAFETENSORS || format == Format.NPZ;
        if (!isWeights && arguments.has(LAYOUT)) {
            throw new UsageException("--layout is for weights; --format " + format + " has none");
        }
        requireUsable(out, format, overwrite);
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

    private static void requireUsable(Path out, Format format, boolean overwrite) throws IOException {
        switch (format) {
            case SAFETENSORS, NPZ -> PortableModel.requireUsable(out, overwrite);
            case SAVEDMODEL -> TrainedModel.requireUsableDirectory(out, overwrite);
            case ONNX -> TrainedModel.requireUsableFile(out, overwrite);
        }
    }

    private static void exportWeights(
            RunDirectory run, Weights weights, Layout layout, WeightsFormat format, Path out, boolean overwrite)
            throws IOException {
        Description description = new Description(
                layout,
                run.config().model(),
                run.config().corpus().keepNewlines(),
                run.vocabulary().symbols());
        new PortableModel(description, weights).write(out, format, overwrite);
    }

    private static TrainedModel trainedModel(RunDirectory run, Weights weights) {
        ModelSettings settings =
                new ModelSettings(run.config().model(), run.config().corpus().keepNewlines());
        return new TrainedModel(settings, run.vocabulary(), weights);
    }
}
