package dev.libretto;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.AccessTarget.CodeUnitCallTarget;
import com.tngtech.archunit.core.domain.JavaCall;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import dev.libretto.device.Sessions;
import dev.libretto.device.TensorFlowSetup;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.tensorflow.EagerSession;
import org.tensorflow.Graph;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Server;
import org.tensorflow.Session;
import org.tensorflow.TensorFlow;

/** What the same results on every machine rest on, held in the bytecode. */
class ConventionsTest {
    private static final Set<Class<?>> LOADERS = Set.of(
            Graph.class, Session.class, EagerSession.class, SavedModelBundle.class, Server.class, TensorFlow.class);

    private final JavaClasses classes = new ClassFileImporter()
            .withImportOption(location -> !location.contains("/test-classes/"))
            .importPackages("dev.libretto");

    /** Whether a class sees to it itself that TensorFlow is set up. */
    private static final DescribedPredicate<JavaClass> SET_UP = describe(
            "set TensorFlow up",
            type -> type.getPackageName().equals(TensorFlowSetup.class.getPackageName())
                    || type.getMethodCallsFromSelf().stream()
                            .map(call -> call.getTargetOwner())
                            .anyMatch(owner -> owner.isEquivalentTo(TensorFlowSetup.class)
                                    || owner.isEquivalentTo(Sessions.class)));

    private static boolean opensTensorFlow(CodeUnitCallTarget target) {
        boolean isOpened = target.getName().equals("<init>")
                || target.resolveMember().stream()
                        .anyMatch(member -> member.getModifiers().contains(JavaModifier.STATIC));
        JavaClass owner = target.getOwner();
        return isOpened
                && (LOADERS.stream().anyMatch(owner::isEquivalentTo)
                        || owner.getPackageName().startsWith("org.tensorflow.internal.c_api"));
    }

    /** The static methods that allocate a tensor, which load the library, too. */
    private static boolean allocatesTensor(CodeUnitCallTarget target) {
        return target.getOwner().getPackageName().startsWith("org.tensorflow.types")
                && Set.of("tensorOf", "scalarOf", "vectorOf").contains(target.getName());
    }

    @Test
    void tensorFlowIsSetUpBeforeItIsLoaded() {
        noClasses()
                .that(DescribedPredicate.not(SET_UP))
                .should()
                .callCodeUnitWhere(describe(
                        "opens a graph, a session or the library without TensorFlowSetup",
                        (JavaCall<?> call) -> opensTensorFlow(call.getTarget())))
                .check(classes);
    }

    /** A package-private class gets its session from a public one. */
    @Test
    void publicClassesSetTensorFlowUpBeforeTheyAllocateTensors() {
        noClasses()
                .that(DescribedPredicate.not(SET_UP))
                .and()
                .arePublic()
                .and()
                .areTopLevelClasses()
                .should()
                .callCodeUnitWhere(describe(
                        "allocates a tensor without TensorFlowSetup",
                        (JavaCall<?> call) -> allocatesTensor(call.getTarget())))
                .check(classes);
    }

    /** In Arabic locales digits are others, in Turkish the lower case of I, in German the decimal point. */
    @Test
    void nothingIsFormattedByTheDefaultLocale() {
        noClasses()
                .should()
                .callMethod(String.class, "format", String.class, Object[].class)
                .orShould()
                .callMethod(String.class, "formatted", Object[].class)
                .orShould()
                .callMethod(String.class, "toLowerCase")
                .orShould()
                .callMethod(String.class, "toUpperCase")
                .orShould()
                .callMethod(PrintStream.class, "printf", String.class, Object[].class)
                .orShould()
                .callMethod(PrintStream.class, "format", String.class, Object[].class)
                .orShould()
                .callMethod(PrintWriter.class, "printf", String.class, Object[].class)
                .orShould()
                .callMethod(PrintWriter.class, "format", String.class, Object[].class)
                .because("the same program writes the same bytes everywhere; pass " + Locale.class.getName() + ".ROOT")
                .check(classes);
    }
}
