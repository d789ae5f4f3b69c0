package dev.libretto.export;

import dev.libretto.run.AtomicWrite;
import dev.libretto.run.Json;
import dev.libretto.run.RunException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** What a model is exported as: weights for another program, with a description next to them, or a model that runs. */
public enum ExportFormat {
    /** Weights, as Hugging Face's safetensors. */
    SAFETENSORS,
    /** Weights, as NumPy's npz. */
    NPZ,
    /** TensorFlow's SavedModel, a directory. */
    SAVEDMODEL,
    /** An ONNX file. */
    ONNX;

    /** Protocol buffers hold less than 2 GiB; some of it is for the graph, the vocabulary and the settings. */
    private static final long MAX_WEIGHT_BYTES = Integer.MAX_VALUE - (64L << 20);

    /** Returns the format whose file names end in an extension; empty for none, and for a SavedModel's directory. */
    public static Optional<ExportFormat> ofExtension(String extension) {
        return Stream.of(SAFETENSORS, NPZ, ONNX)
                .filter(format -> format.toString().equals(extension))
                .findFirst();
    }

    /** Whether this is weights alone, which have a {@link Layout}. */
    public boolean hasLayout() {
        return this == SAFETENSORS || this == NPZ;
    }

    /**
     * Throws if a model cannot be written; call before starting work for it.
     *
     * @param overwrite whether an older export may be replaced
     * @throws RunException if something is there that may not be replaced, or the parent directory is missing
     */
    public void requireWritable(Path out, boolean overwrite) throws IOException {
        switch (this) {
            case SAFETENSORS, NPZ -> AtomicWrite.requireWritable(overwrite, out, Description.beside(out));
            case SAVEDMODEL -> AtomicWrite.requireWritableDirectory(overwrite, out, SavedModel.OWN);
            case ONNX -> AtomicWrite.requireWritable(overwrite, out);
        }
    }

    /**
     * Writes a model, as a whole or not at all.
     *
     * @param layout the weights' names, shapes and gate order; without effect on models that run
     * @param out the file or directory to write
     * @param overwrite whether an older export is replaced
     * @throws IllegalArgumentException if the layout has no place for one of the weights
     * @throws RunException if something is there that may not be replaced, or it cannot be written
     * @throws WeightsException if there are too many weights for the format
     */
    public void write(ExportedModel model, Layout layout, Path out, boolean overwrite) throws IOException {
        requireWritable(out, overwrite);
        switch (this) {
            case SAFETENSORS -> writeWeights(model, layout, WeightsFormat.SAFETENSORS, out);
            case NPZ -> writeWeights(model, layout, WeightsFormat.NPZ, out);
            case SAVEDMODEL -> {
                requireRoom(model, out);
                AtomicWrite.directory(overwrite, out, SavedModel.OWN, temporary -> SavedModel.write(temporary, model));
            }
            case ONNX -> {
                requireRoom(model, out);
                AtomicWrite.file(out, temporary -> OnnxModel.write(temporary, model));
            }
        }
    }

    private static void writeWeights(ExportedModel model, Layout layout, WeightsFormat format, Path out)
            throws IOException {
        List<NamedArray> arrays = layout.arrays(model.weights());
        String description = Json.write(model.describe(layout));
        AtomicWrite.file(Description.beside(out), temporaryDescription -> {
            Files.writeString(temporaryDescription, description);
            AtomicWrite.file(out, temporary -> {
                try (OutputStream output = new BufferedOutputStream(Files.newOutputStream(temporary))) {
                    format.write(output, arrays);
                }
            });
        });
    }

    private static void requireRoom(ExportedModel model, Path out) throws WeightsException {
        long bytes = model.weights().count() * Float.BYTES;
        if (bytes > MAX_WEIGHT_BYTES) {
            throw new WeightsException(
                    out,
                    "the weights take " + bytes + " bytes and a graph holds " + MAX_WEIGHT_BYTES
                            + "; export them as safetensors");
        }
    }

    /** The name on the command line. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
