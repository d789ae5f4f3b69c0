package dev.libretto.model;

import dev.libretto.device.TensorFlowSetup;
import dev.libretto.model.CellSpec.Library;
import java.util.Arrays;
import java.util.List;
import org.tensorflow.GraphOperation;
import org.tensorflow.Operand;
import org.tensorflow.Output;
import org.tensorflow.TensorFlow;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Squeeze;
import org.tensorflow.op.nn.CudnnRNN;
import org.tensorflow.op.nn.CudnnRNNBackprop;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.family.TNumber;

/**
 * Computes all time steps of a layer in one cuDNN call. A graph with it can be built anywhere but runs on a GPU only.
 *
 * @param embedding of the first layer's characters, {@code [V, E]}; null for one-hot characters
 * @param kernel W {@code [I, G·H]}
 * @param recurrentKernel U {@code [H, G·H]}
 * @param bias {@code [G·H]}, or {@code [2, G·H]} with a recurrent bias
 */
record CudnnRecurrence(
        CellType cell,
        Operand<TFloat32> embedding,
        Operand<TFloat32> kernel,
        Operand<TFloat32> recurrentKernel,
        Operand<TFloat32> bias)
        implements Recurrence {
    /** Multiplies the input by a kernel. */
    private static final String INPUT_MODE = "linear_input";

    private static final String DIRECTION = "unidirectional";

    /** @throws IllegalArgumentException if cuDNN does not have the cell */
    CudnnRecurrence {
        cell.in(Library.CUDNN);
        TensorFlowSetup.apply();
        // Further registrations do nothing.
        TensorFlow.registerCustomGradient(CudnnRNN.OP_NAME, CudnnRecurrence::differentiate);
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
                CudnnRNN.rnnMode(cell.in(Library.CUDNN).name()),
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
        List<? extends Operand<TFloat32>> biases = cell.spec().hasRecurrentBias()
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

    private Operand<TFloat32> inCudnnOrder(Ops tf, Operand<TFloat32> gates, int axis) {
        if (cell.in(Library.CUDNN).gates().equals(cell.spec().gates())) {
            return gates;
        }
        List<Output<TFloat32>> blocks =
                tf.split(tf.constant(axis), gates, (long) cell.gates()).output();
        List<Operand<TFloat32>> reordered = Arrays.stream(cell.gateOrder(Library.CUDNN))
                .<Operand<TFloat32>>mapToObj(blocks::get)
                .toList();
        return tf.concat(reordered, tf.constant(axis));
    }

    /**
     * Adds the backward operation, which TensorFlow has but does not register as a gradient. TensorFlow calls this with the graph locked, so querying a shape here deadlocks.
     *
     * @param forward a {@link CudnnRNN}
     * @param dOutputs the gradients of all time steps, h and c, and two unused ones
     * @return the gradients of the vectors, h, c and the parameters, and zeros for the sequence lengths
     */
    private static List<Operand<?>> differentiate(Ops tf, GraphOperation forward, List<Output<?>> dOutputs) {
        CudnnRNN<TFloat32> outputs = new CudnnRNN<>(forward);
        CudnnRNNBackprop<TFloat32> backward = tf.nn.cudnnRNNBackprop(
                floats(forward.input(0)),
                floats(forward.input(1)),
                floats(forward.input(2)),
                floats(forward.input(3)),
                forward.input(4).expect(TInt32.class),
                outputs.output(),
                outputs.outputH(),
                outputs.outputC(),
                floats(dOutputs.get(0)),
                floats(dOutputs.get(1)),
                floats(dOutputs.get(2)),
                outputs.reserveSpace(),
                outputs.hostReserved(),
                CudnnRNNBackprop.rnnMode(forward.attributes().getAttrString("rnn_mode")),
                CudnnRNNBackprop.inputMode(INPUT_MODE),
                CudnnRNNBackprop.direction(DIRECTION),
                CudnnRNNBackprop.dropout(0f),
                CudnnRNNBackprop.timeMajor(true));
        return List.of(
                backward.inputBackprop(),
                backward.inputHBackprop(),
                backward.inputCBackprop(),
                backward.paramsBackprop(),
                tf.zerosLike(forward.input(4)));
    }

    private static Operand<TFloat32> floats(Output<?> output) {
        return output.expect(TFloat32.class);
    }
}
