package dev.libretto.export;

import dev.libretto.LibrettoException;
import dev.libretto.generate.TextModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** An exported model with its graph, a SavedModel or an ONNX file, run by TensorFlow or ONNX Runtime. */
public interface ExecutableModel extends TextModel {
    ModelSettings settings();

    Vocabulary vocabulary();

    @Override
    default ModelConfig config() {
        return settings().model();
    }

    /** Returns whether a path is an ONNX file, which always runs on the CPU in float32. */
    static boolean isOnnx(Path path) {
        return Files.isRegularFile(path);
    }

    /**
     * Opens a SavedModel directory or an ONNX file.
     *
     * @throws IOException naming the file and what is wrong with it
     */
    static ExecutableModel open(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw LibrettoException.in(path, "there is no such file or directory");
        }
        return Files.isDirectory(path) ? SavedModel.open(path) : OnnxModel.open(path);
    }
}
