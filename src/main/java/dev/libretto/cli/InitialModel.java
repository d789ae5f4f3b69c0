package dev.libretto.cli;

import dev.libretto.CharModel;
import dev.libretto.LibrettoException;
import dev.libretto.device.Devices.Choice;
import dev.libretto.export.ExportedModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.run.RunDirectory;
import dev.libretto.run.RunDirectory.Which;
import dev.libretto.run.Runs;
import dev.libretto.text.Documents;
import dev.libretto.text.Normalization;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The trained model that {@code --init-from} names. A run's weights are read by {@link #open} only, because that loads
 * TensorFlow, for which the device has to be chosen first.
 *
 * @param run null if it is a file
 * @param file null if it is a run
 */
record InitialModel(Path path, RunDirectory run, ExportedModel file) {
    static InitialModel of(Path named) throws IOException {
        if (!Files.exists(named)) {
            throw new LibrettoException(
                    "there is no run or file " + named + " to start from; name a run, or weights as safetensors");
        }
        if (Files.isDirectory(named)) {
            Path path = Runs.resolve(named);
            return new InitialModel(path, RunDirectory.open(path), null);
        }
        return new InitialModel(named, null, ExportedModel.read(named, ExportedModel.descriptionOf(named)));
    }

    /** Returns the run's or file's absolute path. */
    String source() {
        return path.toAbsolutePath().normalize().toString();
    }

    ModelConfig config() {
        return run == null ? file.settings().model() : run.config().model();
    }

    Vocabulary vocabulary() {
        return run == null ? file.vocabulary() : run.vocabulary();
    }

    boolean keepsNewlines() {
        return run == null
                ? file.settings().keepNewlines()
                : run.config().corpus().keepNewlines();
    }

    /** Returns what of its text was a document; nothing if that is not known. */
    Documents documents() {
        return run == null ? Documents.NONE : run.config().corpus().documents();
    }

    Normalization normalization() {
        return run == null
                ? file.settings().normalization()
                : run.config().corpus().normalization();
    }

    /** Returns the model with the weights that {@code generate} would use; the caller closes it. */
    CharModel open(Console console) throws IOException {
        return run == null
                ? CharModel.of(file, path, Choice.CPU)
                : CharModel.open(run, Which.BEST, Choice.CPU, console::warn);
    }
}
