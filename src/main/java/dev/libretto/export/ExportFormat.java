package dev.libretto.export;

import dev.libretto.LibrettoException;
import dev.libretto.run.AtomicWrite;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.stream.Stream;

/** The formats of exported models: weights with a description, or an executable model. */
public enum ExportFormat {
    SAFETENSORS,
    SAVEDMODEL,
    ONNX;

    /** Protocol buffers are limited to 2 GiB, including the graph, the vocabulary and the settings. */
    private static final long MAX_WEIGHT_BYTES = Integer.MAX_VALUE - (64L << 20);

    /** Returns the format with the given file extension; empty if there is none. */
    public static Optional<ExportFormat> ofExtension(String extension) {
        return Stream.of(SAFETENSORS, ONNX)
                .filter(format -> format.toString().equals(extension))
                .findFirst();
    }

    /** Returns whether this format has only weights, in a {@link Layout}. */
    public boolean hasLayout() {
        return this == SAFETENSORS;
    }

    /** Throws if a model cannot be written; call before starting work. */
    public void requireWritable(Path out, boolean overwrite) throws IOException {
        switch (this) {
            case SAFETENSORS -> AtomicWrite.requireWritable(overwrite, out, ExportedModel.descriptionOf(out));
            case SAVEDMODEL -> AtomicWrite.requireWritableDirectory(overwrite, out, SavedModel.OWN);
            case ONNX -> AtomicWrite.requireWritable(overwrite, out);
        }
    }

    /**
     * Writes a model atomically.
     *
     * @param layout the layout of the weights; ignored for executable models
     * @throws IllegalArgumentException if the layout or the format does not have the model's cell
     * @throws LibrettoException if the path may not be replaced, or the weights are too large for the format
     */
    public void write(ExportedModel model, Layout layout, Path out, boolean overwrite) throws IOException {
        requireWritable(out, overwrite);
        if (!hasLayout()) {
            requireRoom(model, out);
        }
        switch (this) {
            case SAFETENSORS -> writeWeights(model, layout, out);
            case SAVEDMODEL ->
                AtomicWrite.directory(overwrite, out, SavedModel.OWN, temporary -> SavedModel.write(temporary, model));
            case ONNX -> AtomicWrite.file(out, temporary -> OnnxModel.write(temporary, model));
        }
    }

    private static void writeWeights(ExportedModel model, Layout layout, Path out) throws IOException {
        List<NamedArray> arrays = layout.arrays(model.settings().model(), model.weights());
        String description = model.describe(layout);
        AtomicWrite.file(ExportedModel.descriptionOf(out), temporaryDescription -> {
            Files.writeString(temporaryDescription, description);
            AtomicWrite.file(out, temporary -> {
                try (OutputStream output = new BufferedOutputStream(Files.newOutputStream(temporary))) {
                    Safetensors.write(output, arrays);
                }
            });
        });
    }

    private static void requireRoom(ExportedModel model, Path out) throws LibrettoException {
        long bytes = model.weights().count() * Float.BYTES;
        if (bytes > MAX_WEIGHT_BYTES) {
            throw LibrettoException.in(
                    out,
                    "the weights have " + bytes + " bytes, more than the " + MAX_WEIGHT_BYTES
                            + " that fit into a graph; export them as safetensors");
        }
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
