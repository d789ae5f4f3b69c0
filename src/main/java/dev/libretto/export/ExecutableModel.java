package dev.libretto.export;

import dev.libretto.LibrettoException;
import dev.libretto.generate.TextModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.text.Vocabulary;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;

/** An exported model with its graph, a SavedModel or an ONNX file, run by TensorFlow or ONNX Runtime. */
public abstract class ExecutableModel implements TextModel {
    static final String IDS = "ids";
    static final String LOGITS = "logits";
    static final String LOG_PROBABILITIES = "log_probabilities";

    private final ModelSettings settings;
    private final Vocabulary vocabulary;

    ExecutableModel(ModelSettings settings, Vocabulary vocabulary) {
        this.settings = settings;
        this.vocabulary = vocabulary;
    }

    static String state(int index) {
        return "state_" + index;
    }

    /** @param tensors type and shape of each tensor of the graph */
    static void require(Map<String, String> tensors, String name, String typeAndShape) {
        String found = tensors.getOrDefault(name, "missing");
        if (!found.equals(typeAndShape)) {
            throw new IllegalArgumentException(name + " must be " + typeAndShape + " (got " + found + ")");
        }
    }

    /** Returns whether a path is an ONNX file, which always runs on the CPU in float32. */
    public static boolean isOnnx(Path path) {
        return Files.isRegularFile(path);
    }

    /** Opens a SavedModel directory or an ONNX file. */
    public static ExecutableModel open(Path path) throws IOException {
        if (!Files.exists(path)) {
            throw LibrettoException.in(path, "there is no such file or directory");
        }
        return Files.isDirectory(path) ? SavedModel.openDirectory(path) : OnnxModel.openFile(path);
    }

    public final ModelSettings settings() {
        return settings;
    }

    public final Vocabulary vocabulary() {
        return vocabulary;
    }

    @Override
    public final ModelConfig config() {
        return settings.model();
    }

    @Override
    public final String weightsHash() {
        return settings.weightsHash();
    }
}
