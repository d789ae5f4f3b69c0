package dev.libretto.train;

import dev.libretto.device.Sessions;
import dev.libretto.model.ModelConfig;
import dev.libretto.model.Parameter;
import dev.libretto.model.Weights;
import dev.libretto.text.Batch;
import dev.libretto.text.Ids;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.tensorflow.Graph;
import org.tensorflow.Operand;
import org.tensorflow.Result;
import org.tensorflow.Session;
import org.tensorflow.Tensor;
import org.tensorflow.types.TBool;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TInt64;
import org.tensorflow.types.family.TFloating;

/** Runs training steps: a session over a {@link TrainingGraph}. */
public class TrainStep implements AutoCloseable {
    /**
     * What a step measures.
     *
     * @param loss mean cross entropy in nats per character, before the update
     * @param gradientNorm global norm of the gradients before clipping
     */
    public record Measures(float loss, float gradientNorm) {}

    /**
     * A batch to train on.
     *
     * @param number which step it is, counted from 1
     */
    public record Task(Batch batch, double learningRate, long number) {}

    private final Graph graph = Sessions.newGraph();
    private final TrainingGraph nodes;
    private final Session session;

    /** Builds the graph and gives it the weights and the carried state of a checkpoint; batches can be of any text. */
    public TrainStep(ModelConfig model, TrainConfig training, Checkpoint start) {
        this(model, training, start, Ids.of());
    }

    /**
     * The same for batches of one text.
     *
     * @param text what the batches that it will train on are cut from
     */
    public TrainStep(ModelConfig model, TrainConfig training, Checkpoint start, Ids text) {
        this(model, training, start, text, Sessions.factorType());
    }

    /**
     * The same in a precision that need not be the one which this process computes in.
     *
     * @param factors the type to which the factors of matrix products are rounded
     */
    TrainStep(ModelConfig model, TrainConfig training, Checkpoint start, Class<? extends TFloating> factors) {
        this(model, training, start, Ids.of(), factors);
    }

    private TrainStep(
            ModelConfig model, TrainConfig training, Checkpoint start, Ids text, Class<? extends TFloating> factors) {
        this(model, training, start, text, Execution.of(model, training, Sessions.areOnGpu(), factors, text.length()));
    }

    /** @param text what batches are cut from; not read where {@code execution} has them fed */
    TrainStep(ModelConfig model, TrainConfig training, Checkpoint start, Ids text, Execution execution) {
        try {
            nodes = new TrainingGraph(graph, model, training, execution);
            session = Sessions.open(graph);
        } catch (RuntimeException e) {
            graph.close();
            throw e;
        }
        try {
            if (nodes.text != null) {
                nodes.text.load(session, text);
            }
            restore(start);
        } catch (RuntimeException e) {
            close();
            throw e;
        }
    }

    /** Goes back to the weights, the optimizer's arrays and the carried state of a checkpoint. */
    public final void restore(Checkpoint checkpoint) {
        nodes.variables.load(session, checkpoint.weights());
        nodes.slots.load(session, checkpoint.slots());
        nodes.state.load(session, checkpoint.state());
    }

    /** The most batches that {@link #run(List)} takes. */
    public int batchesPerRun() {
        return nodes.steps.size();
    }

    /**
     * Trains on one batch: the state goes on from the batch before where {@link Batch#continues} says so, and is zero
     * otherwise.
     *
     * @param number which step it is, counted from 1
     */
    public Measures run(Batch batch, double learningRate, long number) {
        return run(List.of(new Task(batch, learningRate, number))).get(0);
    }

    /**
     * Trains on batches, one after the other, as if each were run by itself.
     *
     * @param tasks from one to {@link #batchesPerRun}
     * @return what each batch gave
     */
    public List<Measures> run(List<Task> tasks) {
        Session.Runner runner = session.runner().addTarget(nodes.steps.get(tasks.size() - 1).update);
        List<Tensor> fed = new ArrayList<>();
        try {
            for (int i = 0; i < tasks.size(); i++) {
                feed(runner, nodes.steps.get(i), tasks.get(i), fed);
            }
            try (Result result = runner.run()) {
                List<Measures> measures = new ArrayList<>();
                for (int i = 0; i < tasks.size(); i++) {
                    measures.add(new Measures(scalar(result, 2 * i), scalar(result, 2 * i + 1)));
                }
                return measures;
            }
        } finally {
            fed.forEach(Tensor::close);
        }
    }

    /** @param fed takes the tensors, to be closed after the run */
    private void feed(Session.Runner runner, TrainingGraph.Step step, Task task, List<Tensor> fed) {
        Map<Operand<?>, Tensor> values = new HashMap<>(step.characters.feeds(task.batch()));
        values.put(step.continues, TBool.scalarOf(task.batch().continues()));
        values.put(step.learningRate, TFloat32.scalarOf((float) task.learningRate()));
        values.put(step.number, TInt64.scalarOf(task.number()));
        fed.addAll(values.values());
        values.forEach(runner::feed);
        runner.fetch(step.loss).fetch(step.gradientNorm);
    }

    private static float scalar(Result result, int index) {
        return ((TFloat32) result.get(index)).getFloat();
    }

    /** The weights as they are now. */
    Weights weights() {
        return nodes.variables.read(session);
    }

    /** Copies all that training goes on from, as it is now. */
    Snapshot snapshot() {
        List<Map<Parameter, TFloat32>> copies = new ArrayList<>();
        try {
            for (Variables variables : List.of(nodes.variables, nodes.slots, nodes.state)) {
                copies.add(variables.copy(session));
            }
        } catch (RuntimeException e) {
            copies.forEach(copy -> copy.values().forEach(TFloat32::close));
            throw e;
        }
        return new Snapshot(copies.get(0), copies.get(1), copies.get(2));
    }

    /** All that training goes on from, as it is now. */
    public Checkpoint checkpoint(Progress progress) {
        return new Checkpoint(
                nodes.variables.read(session), nodes.slots.read(session), nodes.state.read(session), progress);
    }

    @Override
    public final void close() {
        session.close();
        graph.close();
    }
}
