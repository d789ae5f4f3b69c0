package dev.libretto.export;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.Weights;
import dev.libretto.run.AtomicWrite;
import dev.libretto.run.Json;
import dev.libretto.run.RunException;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/**
 * A model on its way to or from another program: a weights file and its description beside it.
 *
 * @param description what the weights file does not say
 * @param weights the weights, as Libretto has them
 */
public record PortableModel(Description description, Weights weights) {
    /**
     * Reads a model.
     *
     * @throws IOException naming the file and what is wrong with it
     */
    public static PortableModel read(Path weights, Path description) throws IOException {
        Description described = Description.read(description);
        List<NamedArray> arrays = WeightsFormat.read(weights);
        try {
            return new PortableModel(
                    described, described.layout().weights(LanguageModel.parameters(described.model()), arrays));
        } catch (IllegalArgumentException e) {
            throw new WeightsException(weights, e.getMessage(), e);
        }
    }

    /**
     * Throws if a model cannot be written to a file; call before starting work for it.
     *
     * @throws RunException if something is there that may not be replaced, or the directory is missing
     */
    public static void requireWritable(boolean overwrite, Path file) throws RunException {
        AtomicWrite.requireWritable(overwrite, file, Description.beside(file));
    }

    /**
     * Writes both files, each as a whole or not at all.
     *
     * @param overwrite whether older files are replaced
     * @throws IllegalArgumentException if the layout has no place for one of the weights
     * @throws RunException if something is there that may not be replaced, or a file cannot be written
     */
    public void write(Path file, WeightsFormat format, boolean overwrite) throws IOException {
        requireWritable(overwrite, file);
        List<NamedArray> arrays = description.layout().arrays(weights);
        AtomicWrite.file(Description.beside(file), temporaryDescription -> {
            Files.writeString(temporaryDescription, Json.write(description));
            AtomicWrite.file(file, temporary -> {
                try (OutputStream output = new BufferedOutputStream(Files.newOutputStream(temporary))) {
                    format.write(output, arrays);
                }
            });
        });
    }
}
