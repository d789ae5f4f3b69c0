package dev.libretto.train;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Parameter.Initializer;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.ndarray.Shape;

/**
 * Everything needed to resume training.
 *
 * @param weights the model's parameters; with an {@link Ema}, the averages
 * @param slots the optimizer's slots and, with an {@link Ema}, the weights being trained, {@link #slotArrays}
 * @param state the carried state, {@link #stateArrays}, each {@code [B, H]}
 * @param progress the position of training
 */
public record Checkpoint(Weights weights, Weights slots, Weights state, Progress progress) {
    /** The slot that holds the weights that an {@link Ema} averages. */
    private static final String AVERAGED = "weights";

    /** Returns the checkpoint before the first batch: the given weights, and zeros for the optimizer and the state. */
    public static Checkpoint start(ModelConfig model, TrainConfig training, Weights weights) {
        Map<Parameter, float[]> averaged = new HashMap<>();
        weights.parameters().forEach(parameter -> averaged.put(averaged(parameter), weights.of(parameter)));
        Weights slots = new Weights(
                slotArrays(model, training),
                array -> averaged.containsKey(array) ? averaged.get(array) : new float[array.size()]);
        Weights state = new Weights(stateArrays(model, training), array -> new float[array.size()]);
        return new Checkpoint(weights, slots, state, Progress.start());
    }

    /**
     * Returns the arrays of the optimizer: for each of its slots, one array per trained parameter. With an {@link Ema}, the last
     * are the weights that it averages.
     */
    public static List<Parameter> slotArrays(ModelConfig model, TrainConfig training) {
        List<Parameter> arrays = new ArrayList<>();
        List<String> slots = new ArrayList<>(training.optimizer().rule().slots());
        if (training.emaDecay() > 0) {
            slots.add(AVERAGED);
        }
        for (String slot : slots) {
            for (Parameter parameter : LanguageModel.parameters(model)) {
                if (training.trains(parameter)) {
                    arrays.add(slotArray(slot, parameter));
                }
            }
        }
        return arrays;
    }

    /** Returns the array that holds the current weights of an averaged parameter. */
    static Parameter averaged(Parameter parameter) {
        return slotArray(AVERAGED, parameter);
    }

    private static Parameter slotArray(String slot, Parameter parameter) {
        return new Parameter("optimizer/" + slot + "/" + parameter.name(), parameter.shape(), Initializer.ZEROS);
    }

    /** Returns the arrays of the carried state. */
    public static List<Parameter> stateArrays(ModelConfig model, TrainConfig training) {
        List<Parameter> arrays = new ArrayList<>();
        for (Shape shape : LanguageModel.stateShapes(model, training.batchSize())) {
            arrays.add(new Parameter("state/" + arrays.size(), shape, Initializer.ZEROS));
        }
        return arrays;
    }
}
