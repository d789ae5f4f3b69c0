package dev.libretto.model;

import java.util.List;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Squeeze;
import org.tensorflow.op.nn.CudnnRNN;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Computes all time steps of a layer in one cuDNN call, for {@link RnnCell}, {@link GruCell} and {@link LstmCell}. A graph
 * with it can be built anywhere but runs on a GPU only.
 *
 * @param embedding of the first layer's characters, {@code [V, E]}; null for one-hot characters
 * @param kernel W {@code [I, G·H]}
 * @param recurrentKernel U {@code [H, G·H]}
 * @param bias {@code [G·H]}, or {@code [2, G·H]} for {@link CellType#GRU}
 */
record CudnnRecurrence(
        CellType cell,
        Operand<TFloat32> embedding,
        Operand<TFloat32> kernel,
        Operand<TFloat32> recurrentKernel,
        Operand<TFloat32> bias)
        implements Recurrence {
    /** Multiplies the input by a kernel. */
    static final String INPUT_MODE = "linear_input";

    static final String DIRECTION = "unidirectional";

    /** @throws IllegalArgumentException if cuDNN does not support the cell */
    CudnnRecurrence {
        if (mode(cell) == null) {
            throw new IllegalArgumentException("cuDNN has no " + cell);
        }
        CudnnGradient.register();
    }

    /** Returns cuDNN's name of a cell, or null if it does not support it. */
    static String mode(CellType cell) {
        return switch (cell) {
            case RNN -> "rnn_tanh";
            case GRU -> "gru";
            case GRU_RESET_BEFORE -> null;
            case LSTM -> "lstm";
        };
    }

    @Override
    public Sequence readCharacters(Ops tf, Operand<? extends TNumber> ids, List<Operand<TFloat32>> state) {
        Operand<TFloat32> vectors = embedding == null
                ? tf.oneHot(ids, tf.constant(inputSize()), tf.constant(1f), tf.constant(0f))
                : tf.gather(embedding, ids, tf.constant(0));
        return read(tf, vectors, ids.shape(), state);
    }

    @Override
    public Sequence readRows(Ops tf, Operand<TFloat32> rows, Shape batch, List<Operand<TFloat32>> state) {
        long[] timeMajor = {batch.get(0), batch.get(1), inputSize()};
        return read(tf, tf.reshape(rows, tf.constant(timeMajor)), batch, state);
    }

    private int inputSize() {
        return Math.toIntExact(kernel.shape().get(0));
    }

    /**
     * @param vectors {@code [T, B, I]}
     * @param batch {@code [T, B]}
     */
    private Sequence read(Ops tf, Operand<TFloat32> vectors, Shape batch, List<Operand<TFloat32>> state) {
        // cuDNN's state has a leading axis for layers, here one. Its rows may differ in length; here they are equal.
        Operand<TInt32> front = tf.constant(0);
        List<Operand<TFloat32>> before = state.stream()
                .<Operand<TFloat32>>map(array -> tf.expandDims(array, front))
                .toList();
        Operand<TInt32> lengths = tf.fill(
                tf.constant(new int[] {Math.toIntExact(batch.get(1))}), tf.constant(Math.toIntExact(batch.get(0))));
        CudnnRNN<TFloat32> read = tf.nn.cudnnRNN(
                vectors,
                before.get(0),
                cell.states() == 2 ? before.get(1) : tf.constant(0f),
                parameters(tf.withSubScope("parameters")),
                lengths,
                CudnnRNN.rnnMode(mode(cell)),
                CudnnRNN.inputMode(INPUT_MODE),
                CudnnRNN.direction(DIRECTION),
                CudnnRNN.dropout(0f),
                CudnnRNN.isTraining(true),
                CudnnRNN.timeMajor(true));
        List<Operand<TFloat32>> after = List.of(read.outputH(), read.outputC()).subList(0, cell.states()).stream()
                .<Operand<TFloat32>>map(array -> tf.squeeze(array, Squeeze.axis(List.of(0L))))
                .toList();
        int hiddenSize = Math.toIntExact(recurrentKernel.shape().get(0));
        return new Sequence(tf.reshape(read.output(), tf.constant(new int[] {-1, hiddenSize})), after);
    }

    /**
     * Returns the parameters in cuDNN's layout, concatenated: W, U, the input bias, the recurrent bias. Each is stored gate by
     * gate, a kernel's gate as {@code [H, I]}. A single bias is the input bias; the recurrent bias is then zero.
     *
     * @return {@code [G·H·I + G·H·H + 2·G·H]}
     */
    Operand<TFloat32> parameters(Ops tf) {
        List<? extends Operand<TFloat32>> biases = cell == CellType.GRU
                ? tf.unstack(bias, 2L).output()
                : List.of(bias, tf.fill(tf.constant(bias.shape()), tf.constant(0f)));
        return tf.concat(
                List.of(
                        flatRows(tf, kernel),
                        flatRows(tf, recurrentKernel),
                        inCudnnOrder(tf, biases.get(0), 0),
                        inCudnnOrder(tf, biases.get(1), 0)),
                tf.constant(0));
    }

    private Operand<TFloat32> flatRows(Ops tf, Operand<TFloat32> matrix) {
        Operand<TFloat32> rows = tf.linalg.transpose(inCudnnOrder(tf, matrix, 1), tf.constant(new int[] {1, 0}));
        return tf.reshape(rows, tf.constant(new int[] {-1}));
    }

    /** Reorders gates for cuDNN: a GRU's from z, r, n to r, z, n; an LSTM's are i, f, g, o in both. */
    private Operand<TFloat32> inCudnnOrder(Ops tf, Operand<TFloat32> gates, int axis) {
        if (cell != CellType.GRU) {
            return gates;
        }
        List<Output<TFloat32>> zrn = tf.split(tf.constant(axis), gates, 3L).output();
        return tf.concat(List.of(zrn.get(1), zrn.get(0), zrn.get(2)), tf.constant(axis));
    }
}
