package dev.libretto.export;

import dev.libretto.generate.TextModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A model that has left Libretto with its computation, a SavedModel or an ONNX file, run by the runtime it is made for. */
public interface ExecutableModel extends TextModel {
    /** The cell, the sizes, and what becomes of newlines. */
    ModelSettings settings();

    /** The characters that it knows. */
    Vocabulary vocabulary();

    @Override
    default ModelConfig config() {
        return settings().model();
    }

    /** Whether this is an ONNX file, which ONNX Runtime computes on the CPU in float32, whatever TensorFlow computes on. */
    static boolean isOnnx(Path path) {
        return Files.isRegularFile(path);
    }

    /**
     * Opens a SavedModel, which is a directory, or an ONNX file.
     *
     * @throws IOException naming the file and what is wrong with it
     */
    static ExecutableModel open(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw new WeightsException(path, "there is no such file or directory");
        }
        return Files.isDirectory(path) ? SavedModel.open(path) : OnnxModel.open(path);
    }
}
