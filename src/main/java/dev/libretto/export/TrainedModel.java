package dev.libretto.export;

import dev.libretto.model.Weights;
import dev.libretto.run.AtomicWrite;
import dev.libretto.run.RunException;
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
     * Throws if a SavedModel cannot be written to a directory; call before starting work for it.
     *
     * @throws RunException if something is there that may not be replaced, or the parent directory is missing
     */
    public static void requireWritableDirectory(boolean overwrite, Path directory) throws IOException {
        AtomicWrite.requireWritableDirectory(overwrite, directory, SavedModel.OWN);
    }

    /**
     * Writes a SavedModel, as a whole or not at all.
     *
     * @param directory where; it is created
     * @param overwrite whether an older SavedModel there is replaced
     * @throws RunException if something is there that may not be replaced, or it cannot be written
     * @throws WeightsException if the weights are too many
     */
    public void writeSavedModel(Path directory, boolean overwrite) throws IOException {
        requireRoom(directory);
        AtomicWrite.directory(overwrite, directory, SavedModel.OWN, temporary -> SavedModel.write(temporary, this));
    }

    /**
     * Writes an ONNX file, as a whole or not at all.
     *
     * @param overwrite whether an older file is replaced
     * @throws RunException if something is there that may not be replaced, or it cannot be written
     * @throws WeightsException if the weights are too many
     */
    public void writeOnnx(Path file, boolean overwrite) throws IOException {
        AtomicWrite.requireWritable(overwrite, file);
        requireRoom(file);
        AtomicWrite.file(file, temporary -> OnnxModel.write(temporary, this));
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
