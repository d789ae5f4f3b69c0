package dev.libretto.train;

import dev.libretto.model.Dropout;
import dev.libretto.model.LanguageModel;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.RecurrenceType;
import dev.libretto.run.Checkpoint;
import dev.libretto.run.RunConfig;
import dev.libretto.run.TrainConfig;
import java.util.ArrayList;
import java.util.List;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.op.Op;
import org.tensorflow.op.Ops;
import org.tensorflow.op.core.Placeholder;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt32;
import org.tensorflow.types.TInt64;

/**
 * The graph of one training step: the model unrolled over T time steps, the mean softmax cross entropy of its logits, the
 * gradients that TensorFlow derives from it, their global norm, and the {@link Descent} by them:
 *
 * <pre>
 *     loss   = mean over t, b of −log softmax(logits[t·B + b])[targets[t, b]]
 *     g      = d loss / d w               for every parameter w
 *     norm   = √(Σ |g|²)                  over all parameters together
 * </pre>
 */
final class TrainingGraph {
    /** The characters, {@code [T, B]}. */
    final Placeholder<TInt32> inputs;
    /** The character after each, {@code [T, B]}. */
    final Placeholder<TInt32> targets;
    /** The state before the first time step, each {@code [B, H]}. */
    final List<Placeholder<TFloat32>> state;
    /** A scalar. */
    final Placeholder<TFloat32> learningRate;
    /** Which training step it is, counted from 1, a scalar: what Adam's corrections and the dropout follow from. */
    final Placeholder<TInt64> step;

    final Variables variables;
    /** What the optimizer keeps, {@link Checkpoint#slotArrays}. */
    final Variables slots;
    /** The mean cross entropy in nats, a scalar. */
    final Operand<TFloat32> loss;
    /** The gradient of the loss for each parameter, before clipping, in the parameters' order. */
    final List<Operand<TFloat32>> gradients;
    /** The global norm of the gradients before clipping, a scalar. */
    final Operand<TFloat32> gradientNorm;
    /** The state after the last time step, each {@code [B, H]}. */
    final List<Operand<TFloat32>> nextState;
    /** What to run for the parameters to change. */
    final Op update;

    TrainingGraph(Graph graph, RunConfig run, RecurrenceType recurrence) {
        Ops tf = Ops.create(graph);
        ModelConfig config = run.model();
        TrainConfig training = run.training();
        int seqLength = training.seqLength();
        int batchSize = training.batchSize();
        Shape ids = Shape.of(seqLength, batchSize);
        inputs = tf.withName("inputs").placeholder(TInt32.class, Placeholder.shape(ids));
        targets = tf.withName("targets").placeholder(TInt32.class, Placeholder.shape(ids));
        state = statePlaceholders(tf, config, batchSize);
        learningRate = tf.withName("learning_rate").placeholder(TFloat32.class, Placeholder.shape(Shape.scalar()));
        step = tf.withName("step").placeholder(TInt64.class, Placeholder.shape(Shape.scalar()));

        variables = new Variables(tf, LanguageModel.parameters(config));
        slots = new Variables(tf, Checkpoint.slotArrays(run));
        LanguageModel model = new LanguageModel(tf, config, variables::of, recurrence);
        Dropout dropout = new Dropout(training.dropout(), training.seed(), step);
        LanguageModel.Output output = model.unroll(tf, inputs, new ArrayList<>(state), dropout);
        nextState = output.state();
        CrossEntropy crossEntropy = CrossEntropy.of(tf.withSubScope("cross_entropy"), output.logits(), targets);
        loss = tf.withSubScope("loss").math.mean(crossEntropy.losses(), tf.constant(0));

        gradients = Gradients.of(
                graph,
                tf.withSubScope("kernel_gradients"),
                output.logits(),
                crossEntropy.gradient(),
                variables.outputs());
        gradientNorm = globalNorm(tf.withSubScope("clip"), gradients);
        update = new Descent(training.optimizer(), learningRate, step)
                .update(tf.withSubScope("descend"), variables, slots, gradients, gradientNorm);
    }

    /** A placeholder for each array of the state. */
    static List<Placeholder<TFloat32>> statePlaceholders(Ops tf, ModelConfig config, int batchSize) {
        List<Placeholder<TFloat32>> placeholders = new ArrayList<>();
        for (Shape shape : LanguageModel.stateShapes(config, batchSize)) {
            placeholders.add(tf.withName("state").placeholder(TFloat32.class, Placeholder.shape(shape)));
        }
        return placeholders;
    }

    private static Operand<TFloat32> globalNorm(Ops tf, List<Operand<TFloat32>> gradients) {
        List<Operand<TFloat32>> halfSquares = new ArrayList<>();
        for (Operand<TFloat32> gradient : gradients) {
            halfSquares.add(tf.nn.l2Loss(gradient));
        }
        return tf.withName("global_norm").math.sqrt(tf.math.mul(tf.constant(2f), tf.math.addN(halfSquares)));
    }
}
