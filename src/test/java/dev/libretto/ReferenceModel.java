package dev.libretto;

import dev.libretto.model.CellType;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import java.util.Arrays;
import java.util.List;

/** The language model as plain loops in double precision, for tests to compare with. */
public final class ReferenceModel {
    private final CellType cell;
    private final int v;
    private final int h;
    private final int layers;
    /** E, or 0. */
    private final int embeddingSize;

    private final boolean isTied;
    private final double[][] arrays;

    public ReferenceModel(ModelConfig config, Weights weights) {
        cell = config.cell();
        v = config.vocabularySize();
        h = config.hiddenSize();
        layers = config.layers();
        embeddingSize = config.embeddingSize();
        isTied = config.tieEmbeddings();
        List<Parameter> parameters = weights.parameters();
        arrays = new double[parameters.size()][];
        for (int i = 0; i < arrays.length; i++) {
            float[] values = weights.of(parameters.get(i));
            arrays[i] = new double[values.length];
            Arrays.setAll(arrays[i], j -> values[j]);
        }
    }

    /** The values of parameter {@code i}, which may be changed. */
    public double[] parameter(int i) {
        return arrays[i];
    }

    /** The state of one row at its start. */
    public double[] zeroState() {
        return new double[layers * cell.states() * h];
    }

    /** The state of one row after the character {@code id}: for each layer h, and c where the cell has it. */
    public double[] step(int id, double[] state) {
        double[] next = state.clone();
        double[] x = new double[v];
        x[id] = 1;
        if (embeddingSize > 0) {
            x = product(x, arrays[0], embeddingSize);
        }
        for (int layer = 0; layer < layers; layer++) {
            int from = layer * cell.states() * h;
            x = step(layer, x, next, from);
        }
        return next;
    }

    private double[] step(int layer, double[] x, double[] state, int from) {
        int first = 3 * layer + (embeddingSize > 0 ? 1 : 0);
        double[] kernel = arrays[first];
        double[] recurrent = arrays[first + 1];
        double[] bias = arrays[first + 2];
        int columns = cell.gates() * h;
        double[] before = Arrays.copyOfRange(state, from, from + h);
        double[] in = product(x, kernel, columns);
        double[] back = product(before, recurrent, columns);
        double[] next = new double[h];
        double[] reset = new double[h];
        for (int j = 0; j < h && cell == CellType.GRU_RESET_BEFORE; j++) {
            reset[j] = sigmoid(in[h + j] + bias[h + j] + back[h + j]) * before[j];
        }
        double[] resetBack = product(reset, recurrent, columns);
        for (int j = 0; j < h; j++) {
            int second = h + j;
            int third = 2 * h + j;
            switch (cell) {
                case RNN -> next[j] = Math.tanh(in[j] + back[j] + bias[j]);
                case GRU -> {
                    double z = sigmoid(in[j] + bias[j] + back[j] + bias[columns + j]);
                    double r = sigmoid(in[second] + bias[second] + back[second] + bias[columns + second]);
                    double n = Math.tanh(in[third] + bias[third] + r * (back[third] + bias[columns + third]));
                    next[j] = z * before[j] + (1 - z) * n;
                }
                case GRU_RESET_BEFORE -> {
                    double z = sigmoid(in[j] + bias[j] + back[j]);
                    double n = Math.tanh(in[third] + bias[third] + resetBack[third]);
                    next[j] = z * before[j] + (1 - z) * n;
                }
                case LSTM -> {
                    int fourth = 3 * h + j;
                    double i = sigmoid(in[j] + back[j] + bias[j]);
                    double f = sigmoid(in[second] + back[second] + bias[second]);
                    double g = Math.tanh(in[third] + back[third] + bias[third]);
                    double o = sigmoid(in[fourth] + back[fourth] + bias[fourth]);
                    double c = f * state[from + h + j] + i * g;
                    state[from + h + j] = c;
                    next[j] = o * Math.tanh(c);
                }
            }
        }
        System.arraycopy(next, 0, state, from, h);
        return next;
    }

    private static double[] product(double[] row, double[] matrix, int columns) {
        double[] result = new double[columns];
        for (int k = 0; k < row.length; k++) {
            for (int j = 0; j < columns && row[k] != 0; j++) {
                result[j] += row[k] * matrix[k * columns + j];
            }
        }
        return result;
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }

    /** h · W + b of the last layer's h. */
    public double[] logits(double[] state) {
        int from = (layers - 1) * cell.states() * h;
        double[] output = Arrays.copyOfRange(state, from, from + h);
        double[] logits = isTied ? new double[v] : product(output, arrays[arrays.length - 2], v);
        for (int j = 0; j < v; j++) {
            for (int k = 0; k < h && isTied; k++) {
                logits[j] += output[k] * arrays[0][j * h + k];
            }
            logits[j] += arrays[arrays.length - 1][j];
        }
        return logits;
    }

    /** −log softmax(logits)[target]. */
    public static double crossEntropy(double[] logits, int target) {
        double max = Arrays.stream(logits).max().orElseThrow();
        double sum = Arrays.stream(logits).map(logit -> Math.exp(logit - max)).sum();
        return Math.log(sum) + max - logits[target];
    }

    /** The mean cross entropy of a time-major batch of {@code states.length} rows; the states end as the final ones. */
    public double loss(int[] inputs, int[] targets, double[][] states) {
        double sum = 0;
        int rows = states.length;
        for (int i = 0; i < inputs.length; i++) {
            states[i % rows] = step(inputs[i], states[i % rows]);
            sum += crossEntropy(logits(states[i % rows]), targets[i]);
        }
        return sum / inputs.length;
    }
}
