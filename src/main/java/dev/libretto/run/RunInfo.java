package dev.libretto.run;

import com.fasterxml.jackson.annotation.JsonInclude;
import dev.libretto.LibrettoException;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.run.LearningCurve.Epoch;
import dev.libretto.train.CorpusInfo;
import dev.libretto.train.Progress;
import dev.libretto.train.TrainConfig;
import java.io.IOException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * A summary of a run, as {@code libretto info} prints it.
 *
 * @param origin where its first weights came from; null if they were drawn
 * @param progress the position of its newest checkpoint
 * @param best the epoch of lowest perplexity; null before the first
 * @param layers the parameters by layer, from input to output
 */
public record RunInfo(
        String run,
        CorpusInfo corpus,
        @JsonInclude(JsonInclude.Include.NON_NULL) Origin origin,
        ModelConfig model,
        TrainConfig training,
        Progress progress,
        Best best,
        List<Layer> layers,
        long parameters,
        long bytes) {
    /**
     * The epoch of lowest perplexity.
     *
     * @param of {@code validation}, or {@code training} without held-out text
     */
    public record Best(int epoch, double perplexity, String of) {}

    /** A layer, named by the part of its arrays' names before the slash. */
    public record Layer(String name, long parameters, List<Array> arrays) {}

    public record Array(String name, long[] shape, long parameters) {}

    /** @param warnings receives a line for each damaged file skipped */
    public static RunInfo of(RunDirectory run, Consumer<String> warnings) throws IOException {
        RunConfig config = run.config();
        List<Layer> layers = layers(LanguageModel.parameters(config.model()));
        return new RunInfo(
                run.path().toString(),
                config.corpus(),
                config.origin(),
                config.model(),
                config.training(),
                run.newestProgress(warnings),
                best(run, warnings),
                layers,
                layers.stream().mapToLong(Layer::parameters).sum(),
                Disk.size(run.path()));
    }

    private static Best best(RunDirectory run, Consumer<String> warnings) throws IOException {
        try {
            Epoch best = LearningCurve.read(run.path()).best().orElse(null);
            return best == null
                    ? null
                    : new Best(
                            best.epoch(), best.decisive(), Double.isNaN(best.validation()) ? "training" : "validation");
        } catch (LibrettoException e) {
            warnings.accept(e.getMessage());
            return null;
        }
    }

    private static List<Layer> layers(List<Parameter> parameters) {
        Map<String, List<Array>> byLayer = new LinkedHashMap<>();
        for (Parameter parameter : parameters) {
            int slash = parameter.name().indexOf('/');
            byLayer.computeIfAbsent(parameter.layer(), name -> new ArrayList<>())
                    .add(new Array(
                            parameter.name().substring(slash + 1),
                            parameter.shape().asArray(),
                            parameter.size()));
        }
        return byLayer.entrySet().stream()
                .map(layer -> new Layer(
                        layer.getKey(),
                        layer.getValue().stream().mapToLong(Array::parameters).sum(),
                        layer.getValue()))
                .toList();
    }
}
