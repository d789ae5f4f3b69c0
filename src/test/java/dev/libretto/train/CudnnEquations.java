package dev.libretto.train;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import dev.libretto.Rounding;
import java.util.Arrays;
import java.util.List;

/**
 * Computes one row of a layer in double precision, by the equations of {@code cudnnRNNMode_t} in the cuDNN manual. The parameters
 * are one array: the matrices W of all gates, the matrices R, the biases of W, the biases of R.
 */
final class CudnnEquations {
    private final String cell;
    private final float[] parameters;
    private final int inputSize;
    private final int hiddenSize;
    private final int gates;
    private double[] h;
    private double[] c;

    CudnnEquations(String cell, float[] parameters, int inputSize, int hiddenSize) {
        this.cell = cell;
        this.parameters = parameters;
        this.inputSize = inputSize;
        this.hiddenSize = hiddenSize;
        this.gates = parameters.length / (hiddenSize * (inputSize + hiddenSize + 2));
        this.h = new double[hiddenSize];
        this.c = new double[hiddenSize];
        assertThat(gates * hiddenSize * (inputSize + hiddenSize + 2)).isEqualTo(parameters.length);
    }

    /** Sets the state from a row of {@code [B, H]}: h, and c if the cell has one. */
    void start(int row, List<float[]> state) {
        for (int j = 0; j < hiddenSize; j++) {
            h[j] = state.get(0)[row * hiddenSize + j];
            c[j] = state.get(state.size() - 1)[row * hiddenSize + j];
        }
    }

    /** Only the expected numbers and the sums of two biases are rounded to float32, at each step. */
    static double error(int timeSteps) {
        return Rounding.after(2L * timeSteps);
    }

    void assertEndsWith(int row, int timeSteps, List<float[]> state) {
        for (int j = 0; j < hiddenSize; j++) {
            assertThat(h[j]).isCloseTo(state.get(0)[row * hiddenSize + j], within(error(timeSteps)));
            if (state.size() == 2) {
                assertThat(c[j]).isCloseTo(state.get(1)[row * hiddenSize + j], within(error(timeSteps)));
            }
        }
    }

    /** Computes one time step and returns its output h. */
    double[] step(double[] x) {
        double[] next = new double[hiddenSize];
        for (int j = 0; j < hiddenSize; j++) {
            switch (cell) {
                case "rnn" -> next[j] = Math.tanh(input(0, j, x) + recurrent(0, j));
                case "gru" -> {
                    double r = sigmoid(input(0, j, x) + recurrent(0, j));
                    double i = sigmoid(input(1, j, x) + recurrent(1, j));
                    double candidate = Math.tanh(input(2, j, x) + r * recurrent(2, j));
                    next[j] = (1 - i) * candidate + i * h[j];
                }
                case "lstm" -> {
                    double i = sigmoid(input(0, j, x) + recurrent(0, j));
                    double f = sigmoid(input(1, j, x) + recurrent(1, j));
                    double candidate = Math.tanh(input(2, j, x) + recurrent(2, j));
                    double o = sigmoid(input(3, j, x) + recurrent(3, j));
                    c[j] = f * c[j] + i * candidate;
                    next[j] = o * Math.tanh(c[j]);
                }
                default -> throw new IllegalArgumentException(cell);
            }
        }
        h = next;
        return Arrays.copyOf(next, hiddenSize);
    }

    /** Returns element j of W · x + b_W of a gate. */
    private double input(int gate, int j, double[] x) {
        return row(gate, j, x, 0) + parameters[biases() + gate * hiddenSize + j];
    }

    /** Returns element j of R · h + b_R of a gate. */
    private double recurrent(int gate, int j) {
        return row(gate, j, h, gates * hiddenSize * inputSize) + parameters[biases() + (gates + gate) * hiddenSize + j];
    }

    private int biases() {
        return gates * hiddenSize * (inputSize + hiddenSize);
    }

    private double row(int gate, int j, double[] vector, int matrices) {
        int start = matrices + (gate * hiddenSize + j) * vector.length;
        double sum = 0;
        for (int k = 0; k < vector.length; k++) {
            sum += parameters[start + k] * vector[k];
        }
        return sum;
    }

    private static double sigmoid(double x) {
        return 1 / (1 + Math.exp(-x));
    }
}
