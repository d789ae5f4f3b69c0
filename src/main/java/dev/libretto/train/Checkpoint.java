package dev.libretto.train;

import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Parameter.Initializer;
import dev.libretto.model.Weights;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.ndarray.Shape;

/**
 * All that training continues from.
 *
 * @param weights the values of every parameter
 * @param slots what the optimizer keeps of the steps before, the arrays {@link #slotArrays}; zero at the start
 * @param state the carried state, each {@code [B, H]}, of the parameters {@link #stateArrays}
 * @param progress how far training was
 */
public record Checkpoint(Weights weights, Weights slots, Weights state, Progress progress) {
    /** Before the first batch: these weights, and zeros. */
    public static Checkpoint start(ModelConfig model, TrainConfig training, Weights weights) {
        return new Checkpoint(
                weights, zeros(slotArrays(model, training)), zeros(stateArrays(model, training)), Progress.start());
    }

    private static Weights zeros(List<Parameter> arrays) {
        return new Weights(arrays, array -> new float[array.size()]);
    }

    /** The arrays of the optimizer: for each that it keeps, one of every parameter's shape. */
    public static List<Parameter> slotArrays(ModelConfig model, TrainConfig training) {
        List<Parameter> arrays = new ArrayList<>();
        for (String slot : training.optimizer().kind().slots()) {
            for (Parameter parameter : LanguageModel.parameters(model)) {
                arrays.add(new Parameter(
                        "optimizer/" + slot + "/" + parameter.name(), parameter.shape(), Initializer.ZEROS));
            }
        }
        return arrays;
    }

    /** The arrays of the carried state. */
    public static List<Parameter> stateArrays(ModelConfig model, TrainConfig training) {
        List<Parameter> arrays = new ArrayList<>();
        for (Shape shape : LanguageModel.stateShapes(model, training.batchSize())) {
            arrays.add(new Parameter("state/" + arrays.size(), shape, Initializer.ZEROS));
        }
        return arrays;
    }
}
