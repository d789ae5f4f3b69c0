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
 * Everything needed to resume training.
 *
 * @param weights the model's parameters
 * @param slots the optimizer's slots, {@link #slotArrays}
 * @param state the carried state, {@link #stateArrays}, each {@code [B, H]}
 * @param progress the position of training
 */
public record Checkpoint(Weights weights, Weights slots, Weights state, Progress progress) {
    /** Returns the checkpoint before the first batch: the given weights, slots and state of zeros. */
    public static Checkpoint start(ModelConfig model, TrainConfig training, Weights weights) {
        return new Checkpoint(
                weights, zeros(slotArrays(model, training)), zeros(stateArrays(model, training)), Progress.start());
    }

    private static Weights zeros(List<Parameter> arrays) {
        return new Weights(arrays, array -> new float[array.size()]);
    }

    /** Returns the arrays of the optimizer: for each of its slots, one array per trained parameter. */
    public static List<Parameter> slotArrays(ModelConfig model, TrainConfig training) {
        List<Parameter> arrays = new ArrayList<>();
        for (String slot : training.optimizer().rule().slots()) {
            for (Parameter parameter : LanguageModel.parameters(model)) {
                if (training.trains(parameter)) {
                    arrays.add(new Parameter(
                            "optimizer/" + slot + "/" + parameter.name(), parameter.shape(), Initializer.ZEROS));
                }
            }
        }
        return arrays;
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
