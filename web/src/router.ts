import { createRouter, createWebHistory } from 'vue-router'
import { arrivalGuard } from './composables/arrivals'
import { roomProblem } from './composables/roomName'
import RoomView from './views/RoomView.vue'
import StartView from './views/StartView.vue'

export function createPages() {
  const router = createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/', name: 'start', component: StartView },
      {
        path: '/r/:room',
        name: 'room',
        component: RoomView,
        props: true,
        // The start page says what is wrong with such a name, before anything is opened or asked for.
        beforeEnter: ({ params }) => {
          const problem = roomProblem(String(params.room))
          return problem === null ? true : { path: '/', query: { problem } }
        },
      },
      { path: '/people', name: 'people', component: () => import('./views/PeopleView.vue') },
      { path: '/library', name: 'library', component: () => import('./views/LibraryView.vue') },
      // The edge gives the page for every path; what leads nowhere leads to the start.
      { path: '/:rest(.*)*', redirect: '/' },
    ],
  })
  router.beforeEach(arrivalGuard)
  return router
}
