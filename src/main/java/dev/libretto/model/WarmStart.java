package dev.libretto.model;

import java.util.Arrays;
import java.util.List;
import java.util.function.IntConsumer;
import org.tensorflow.ndarray.Shape;

/**
 * Initial weights from a trained model whose vocabulary may be another one. Arrays with an axis for the vocabulary, the first
 * kernel or embedding and the dense layer's kernel and bias, keep the slices of the characters that both know; those of new
 * characters are drawn. All other arrays are kept.
 */
public final class WarmStart {
    private WarmStart() {}

    /**
     * Returns initial weights.
     *
     * @param model the model to be trained; the trained one differs at most in its vocabulary
     * @param trainedIds the id in the trained model of each character, -1 for a new one
     * @param seed random seed of the slices that are drawn
     * @param progress receives the index of each parameter before it is mapped
     */
    public static Weights of(ModelConfig model, Weights trained, int[] trainedIds, long seed, IntConsumer progress) {
        List<Parameter> parameters = LanguageModel.parameters(model);
        List<Parameter> wider = LanguageModel.parameters(model.withVocabularySize(model.vocabularySize() + 1));
        boolean hasNew = Arrays.stream(trainedIds).anyMatch(id -> id < 0);
        return new Weights(parameters, parameter -> {
            int index = parameters.indexOf(parameter);
            Parameter before = trained.parameters().get(index);
            int axis = differingAxis(parameter.shape(), wider.get(index).shape());
            if (axis < 0) {
                return trained.of(before);
            }
            progress.accept(index);
            float[] values = hasNew ? Initializers.draw(parameter, index, seed) : new float[parameter.size()];
            copySlices(trained.of(before), before.shape(), values, parameter.shape(), axis, trainedIds);
            return values;
        });
    }

    private static int differingAxis(Shape one, Shape other) {
        for (int axis = 0; axis < one.numDimensions(); axis++) {
            if (one.get(axis) != other.get(axis)) {
                return axis;
            }
        }
        return -1;
    }

    private static void copySlices(
            float[] from, Shape fromShape, float[] to, Shape toShape, int axis, int[] fromIndexes) {
        int inner = size(toShape, axis + 1, toShape.numDimensions());
        int outer = size(toShape, 0, axis);
        int fromCount = Math.toIntExact(fromShape.get(axis));
        for (int i = 0; i < outer; i++) {
            for (int index = 0; index < fromIndexes.length; index++) {
                if (fromIndexes[index] >= 0) {
                    int source = (i * fromCount + fromIndexes[index]) * inner;
                    System.arraycopy(from, source, to, (i * fromIndexes.length + index) * inner, inner);
                }
            }
        }
    }

    private static int size(Shape shape, int fromAxis, int toAxis) {
        int size = 1;
        for (int axis = fromAxis; axis < toAxis; axis++) {
            size *= Math.toIntExact(shape.get(axis));
        }
        return size;
    }
}
