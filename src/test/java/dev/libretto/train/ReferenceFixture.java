package dev.libretto.train;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import dev.libretto.TestModels;
import dev.libretto.export.Layout;
import dev.libretto.export.NamedArray;
import dev.libretto.model.CellType;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.run.RunConfig;
import dev.libretto.text.Batches.Batch;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Results of another framework, stored by {@code src/test/python/make_fixtures.py}. */
record ReferenceFixture(
        Map<String, String> versions,
        String cell,
        int layers,
        @JsonProperty("T") int T,
        @JsonProperty("B") int B,
        @JsonProperty("V") int V,
        @JsonProperty("H") int H,
        double clipNorm,
        double learningRate,
        List<Array> weights,
        List<List<Array>> initialState,
        int[][][] inputs,
        int[][][] targets,
        Array outputs,
        Array logits,
        List<List<Array>> finalState,
        double loss,
        List<Array> gradients,
        double globalNorm,
        List<Array> clippedGradients,
        double[] losses,
        List<Array> finalWeights) {

    /** One of the framework's arrays, row-major. */
    record Array(String name, int[] shape, float[] values) {}

    static ReferenceFixture read(String name) throws IOException {
        JsonMapper mapper = JsonMapper.builder()
                .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
                .disable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
                .build();
        try (InputStream input = ReferenceFixture.class.getResourceAsStream("/reference/" + name + ".json")) {
            return mapper.readValue(input, ReferenceFixture.class);
        }
    }

    ModelConfig model() {
        CellType type = CellType.valueOf(cell.toUpperCase(Locale.ROOT).replace('-', '_'));
        return new ModelConfig(type, V, H, layers);
    }

    RunConfig runConfig() {
        return TestModels.runConfig(model(), T, B, clipNorm);
    }

    TrainConfig training() {
        return runConfig().training();
    }

    private Layout layout() {
        return versions.containsKey("torch") ? Layout.PYTORCH : Layout.KERAS;
    }

    /** Returns the checkpoint that training starts from. */
    Checkpoint start() {
        Iterator<float[]> arrays = startState().iterator();
        Weights state = new Weights(Checkpoint.stateArrays(model(), training()), parameter -> arrays.next());
        return new Checkpoint(startWeights(), new Weights(List.of(), none -> null), state, Progress.start());
    }

    Weights startWeights() {
        return ofItsLayout(weights);
    }

    /** Returns the initial state, in the order of the layers. */
    List<float[]> startState() {
        return initialState.stream().flatMap(List::stream).map(Array::values).toList();
    }

    /** Converts Libretto's arrays to the framework's layout. */
    List<NamedArray> inItsLayout(Weights own) {
        return layout().arrays(model(), own);
    }

    private Weights ofItsLayout(List<Array> arrays) {
        List<Parameter> parameters = LanguageModel.parameters(model());
        List<NamedArray> named = new ArrayList<>();
        List<NamedArray> names = layout().arrays(model(), new Weights(parameters, p -> new float[p.size()]));
        for (int i = 0; i < arrays.size(); i++) {
            Array array = arrays.get(i);
            named.add(new NamedArray(names.get(i).name(), names.get(i).shape(), array.values()));
        }
        return layout().weights(model(), named);
    }

    /** Whether an array is the second of two biases that are simply added, as PyTorch's are except for the GRU. */
    boolean hasTwiceTheBias(String name) {
        return layout() == Layout.PYTORCH && !cell.equals("gru") && name.contains("bias_hh");
    }

    /** Whether an array is either of two such biases. */
    boolean isHalfOfABias(String name) {
        return layout() == Layout.PYTORCH && !cell.equals("gru") && name.startsWith("rnn.bias");
    }

    private boolean isTwiceThere(Parameter parameter) {
        return layout() == Layout.PYTORCH
                && !cell.equals("gru")
                && parameter.name().matches("layer_.*/bias");
    }

    /** Returns the global norm over the framework's own arrays. */
    double norm(Weights gradients) {
        double squares = 0;
        for (Parameter parameter : gradients.parameters()) {
            for (float g : gradients.of(parameter)) {
                squares += (isTwiceThere(parameter) ? 2.0 : 1.0) * g * g;
            }
        }
        return Math.sqrt(squares);
    }

    /** Performs one clipped SGD step of the framework: a bias stored twice moves twice as far. */
    Weights descend(Weights own, Weights gradients) {
        double rate = learningRate * Math.min(1, clipNorm / norm(gradients));
        return new Weights(own.parameters(), parameter -> {
            float[] values = own.of(parameter).clone();
            for (int i = 0; i < values.length; i++) {
                values[i] -= (float)
                        ((isTwiceThere(parameter) ? 2 : 1) * rate * gradients.of(parameter)[i]);
            }
            return values;
        });
    }

    /** Returns batch {@code i}, which continues the previous one; the first starts from the initial state. */
    Batch batch(int i) {
        return new Batch(flat(inputs[i]), flat(targets[i]), true, new long[0]);
    }

    private static int[] flat(int[][] rows) {
        return Arrays.stream(rows).flatMapToInt(Arrays::stream).toArray();
    }
}
