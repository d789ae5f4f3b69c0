package dev.libretto.export;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.Weights;
import dev.libretto.run.Disk;
import dev.libretto.run.Json;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
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
     * Says whether a model can be written to a file, before any work is done for it.
     *
     * @throws WeightsException if something is there that may not be replaced, or the directory is missing
     */
    public static void requireUsable(Path file, boolean overwrite) throws WeightsException {
        Output.requireUsableFile(file, overwrite, Description.beside(file));
    }

    /**
     * Writes both files, each as a whole or not at all.
     *
     * @param overwrite whether older files are replaced
     * @throws IllegalArgumentException if the layout has no place for one of the weights
     * @throws WeightsException if something is there that may not be replaced, or a file cannot be written
     */
    public void write(Path file, WeightsFormat format, boolean overwrite) throws IOException {
        requireUsable(file, overwrite);
        List<NamedArray> arrays = description.layout().arrays(weights);
        Path freshFile = Output.beside(file, "new");
        Path freshDescription = Output.beside(Description.beside(file), "new");
        try {
            try (OutputStream output = new BufferedOutputStream(Files.newOutputStream(freshFile))) {
                format.write(output, arrays);
            }
            Files.writeString(freshDescription, Json.write(description));
            Disk.sync(freshFile);
            Disk.sync(freshDescription);
            Files.move(freshDescription, Description.beside(file), StandardCopyOption.ATOMIC_MOVE);
            Files.move(freshFile, file, StandardCopyOption.ATOMIC_MOVE);
            Disk.syncList(file.toAbsolutePath().getParent());
        } catch (IOException e) {
            throw Output.notWritten(file, e);
        } finally {
            Files.deleteIfExists(freshFile);
            Files.deleteIfExists(freshDescription);
        }
    }
}
