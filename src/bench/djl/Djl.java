import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDArrays;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Parameter;
import ai.djl.nn.core.Linear;
import ai.djl.nn.recurrent.GRU;
import ai.djl.nn.recurrent.LSTM;
import ai.djl.nn.recurrent.RNN;
import ai.djl.nn.recurrent.RecurrentBlock;
import ai.djl.training.GradientCollector;
import ai.djl.training.ParameterStore;
import ai.djl.training.loss.Loss;
import ai.djl.util.JsonUtils;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;

/** DJL's RNN, LSTM or GRU block on its PyTorch engine, with clipped SGD; called with the folder that compare.py prepared. */
public final class Djl {
    /** What settings.json holds; the same as in workload.py. */
    private record Settings(
            String cell, int layers, int T, int B, int H, int V, float rate, float clip, int epochs, long[] ids) {}

    private final Settings settings;
    private final NDManager manager;
    private final ParameterStore parameters;
    private final RecurrentBlock recurrent;
    private final Linear dense;
    private final List<NDArray> trained = new ArrayList<>();
    private final Loss crossEntropy = Loss.softmaxCrossEntropyLoss();

    private Djl(Settings settings, NDManager manager, NDList weights) {
        this.settings = settings;
        this.manager = manager;
        parameters = new ParameterStore(manager, false);
        recurrent = switch (settings.cell) {
            case "lstm" -> lstm();
            case "gru" -> gru();
            default -> rnn();
        };
        dense = Linear.builder().setUnits(settings.V).build();
        List<Parameter> layers = recurrent.getDirectParameters().values();
        for (int i = 0; i < layers.size(); i++) {
            String name =
                    List.of("weight_ih", "weight_hh", "bias_ih", "bias_hh").get(i % 4);
            // One bias is enough but for a GRU; the other stays at zero.
            boolean isTrained = !name.equals("bias_hh") || settings.cell.equals("gru");
            set(layers.get(i), weights.get("rnn." + name + "_l" + i / 4), isTrained);
        }
        set(dense.getDirectParameters().get("weight"), weights.get("dense.weight"), true);
        set(dense.getDirectParameters().get("bias"), weights.get("dense.bias"), true);
        recurrent.initialize(manager, DataType.FLOAT32, new Shape(settings.T, settings.B, settings.V));
        dense.initialize(manager, DataType.FLOAT32, new Shape(settings.T * settings.B, settings.H));
    }

    private RecurrentBlock rnn() {
        return RNN.builder()
                .setActivation(RNN.Activation.TANH)
                .setStateSize(settings.H)
                .setNumLayers(settings.layers)
                .optBatchFirst(false)
                .optReturnState(true)
                .build();
    }

    private RecurrentBlock lstm() {
        return LSTM.builder()
                .setStateSize(settings.H)
                .setNumLayers(settings.layers)
                .optBatchFirst(false)
                .optReturnState(true)
                .build();
    }

    private GRU gru() {
        return GRU.builder()
                .setStateSize(settings.H)
                .setNumLayers(settings.layers)
                .optBatchFirst(false)
                .optReturnState(true)
                .build();
    }

    private void set(Parameter parameter, NDArray value, boolean isTrained) {
        parameter.setArray(value);
        parameter.freeze(!isTrained);
        if (isTrained) {
            trained.add(value);
        }
    }

    /** An epoch's inputs and targets, each [T, B]; row b goes on where it ended in the batch before. */
    private List<NDList> batches() {
        int length = settings.ids.length / settings.B;
        NDArray ids = manager.create(Arrays.copyOf(settings.ids, settings.B * length), new Shape(settings.B, length));
        List<NDList> batches = new ArrayList<>();
        for (int t = 0; t + settings.T < length; t += settings.T) {
            batches.add(new NDList(slice(ids, t), slice(ids, t + 1)));
        }
        return batches;
    }

    private NDArray slice(NDArray ids, int t) {
        return ids.get(":, {}:{}", t, t + settings.T).transpose().duplicate();
    }

    /** Trains for an epoch and returns the mean loss of its batches. */
    private float train(List<NDList> batches) {
        try (NDManager epoch = manager.newSubManager()) {
            NDList losses = new NDList();
            NDList state = new NDList();
            for (int i = 0; i < (settings.cell.equals("lstm") ? 2 : 1); i++) {
                state.add(epoch.zeros(new Shape(settings.layers, settings.B, settings.H)));
            }
            for (NDList batch : batches) {
                // What is computed from an array belongs to the array's manager, and is freed with it.
                try (NDManager scope = epoch.newSubManager()) {
                    batch.tempAttach(scope);
                    state.attach(scope);
                    NDList after = step(batch, state);
                    after.attach(epoch);
                    losses.add(after.remove(0));
                    state = after;
                }
            }
            return NDArrays.stack(losses).mean().getFloat();
        }
    }

    /** Trains on a batch; returns its loss and the state after it. */
    private NDList step(NDList batch, NDList state) {
        NDList result = new NDList();
        try (GradientCollector collector = Engine.getInstance().newGradientCollector()) {
            NDList inputs = new NDList(batch.get(0).oneHot(settings.V)).addAll(state);
            NDList outputs = recurrent.forward(parameters, inputs, true);
            NDList rows = new NDList(outputs.remove(0).reshape(-1, settings.H));
            NDList logits = dense.forward(parameters, rows, true);
            NDArray loss = crossEntropy.evaluate(new NDList(batch.get(1).reshape(-1)), logits);
            collector.backward(loss);
            result.add(loss.stopGradient());
            outputs.forEach(array -> result.add(array.stopGradient()));
        }
        descend(batch.getManager());
        return result;
    }

    /** A step of SGD by the gradients, clipped by their global norm. DJL's own optimizers clip each element instead. */
    private void descend(NDManager scope) {
        NDList gradients = new NDList();
        for (NDArray weight : trained) {
            gradients.add(weight.getGradient());
        }
        gradients.attach(scope);
        NDList squares = new NDList();
        gradients.forEach(gradient -> squares.add(gradient.square().sum()));
        NDArray norm = NDArrays.stack(squares).sum().sqrt();
        NDArray rate = scope.create(settings.rate * settings.clip).div(norm.maximum(settings.clip));
        for (int i = 0; i < gradients.size(); i++) {
            NDArray gradient = gradients.get(i);
            trained.get(i).subi(gradient.muli(rate));
            // The next gradient is added to it.
            gradient.subi(gradient);
        }
    }

    public static void main(String[] args) throws IOException {
        Path folder = Path.of(args[0]);
        Settings settings = JsonUtils.GSON.fromJson(Files.readString(folder.resolve("settings.json")), Settings.class);
        try (NDManager manager = NDManager.newBaseManager();
                InputStream weights = Files.newInputStream(folder.resolve("weights.safetensors"))) {
            Djl djl = new Djl(settings, manager, NDList.decode(manager, weights));
            List<NDList> batches = djl.batches();
            for (int epoch = 0; epoch < settings.epochs; epoch++) {
                long start = System.nanoTime();
                float loss = djl.train(batches);
                double seconds = (System.nanoTime() - start) / 1e9;
                System.out.printf(Locale.ROOT, "{\"seconds\": %f, \"loss\": %f}%n", seconds, loss);
            }
        }
    }
}
