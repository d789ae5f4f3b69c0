package dev.libretto.export;

import dev.libretto.model.Weights;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Path;

/**
 * A model on its way to where it is run: its weights and all that is needed beside them.
 *
 * @param settings the cell, the sizes, and what becomes of newlines
 * @param vocabulary the characters, as many as the settings say
 * @param weights the weights, as Libretto has them
 */
public record TrainedModel(ModelSettings settings, Vocabulary vocabulary, Weights weights) {
    /** Protocol buffers hold less than 2 GiB; some of it is for the graph, the vocabulary and the settings. */
    private static final long MAX_WEIGHT_BYTES = Integer.MAX_VALUE - (64L << 20);

    /**
     * Says whether a SavedModel can be written to a directory, before any work is done for it.
     *
     * @throws WeightsException if something is there that may not be replaced, or the directory above is missing
     */
    public static void requireUsableDirectory(Path directory, boolean overwrite) throws IOException {
        Output.requireUsableDirectory(directory, overwrite, SavedModel.OWN);
    }

    /**
     * Says whether an ONNX file can be written, before any work is done for it.
     *
     * @throws WeightsException if something is there that may not be replaced, or the directory is missing
     */
    public static void requireUsableFile(Path file, boolean overwrite) throws IOException {
        Output.requireUsableFile(file, overwrite);
    }

    /**
     * Writes a SavedModel, as a whole or not at all.
     *
     * @param directory where; it is made
     * @param overwrite whether an older SavedModel there is replaced
     * @throws WeightsException if something is there that may not be replaced, it cannot be written, or the weights are too
     *     many
     */
    public void writeSavedModel(Path directory, boolean overwrite) throws IOException {
        requireUsableDirectory(directory, overwrite);
        requireRoom(directory);
        Output.writeDirectory(directory, fresh -> SavedModel.write(fresh, this));
    }

    /**
     * Writes an ONNX file, as a whole or not at all.
     *
     * @param overwrite whether an older file is replaced
     * @throws WeightsException if something is there that may not be replaced, it cannot be written, or the weights are too
     *     many
     */
    public void writeOnnx(Path file, boolean overwrite) throws IOException {
        requireUsableFile(file, overwrite);
        requireRoom(file);
        Output.writeFile(file, fresh -> OnnxModel.write(fresh, this));
    }

    private void requireRoom(Path out) throws WeightsException {
        long bytes = weights.count() * Float.BYTES;
        if (bytes > MAX_WEIGHT_BYTES) {
            throw new WeightsException(
                    out,
                    "the weights take " + bytes + " bytes and a graph holds " + MAX_WEIGHT_BYTES
                            + "; export them by --format safetensors");
        }
    }
}
