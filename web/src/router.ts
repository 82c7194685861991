import { createRouter, createWebHistory } from 'vue-router'
import RoomView from './views/RoomView.vue'
import StartView from './views/StartView.vue'

export function createPages() {
  return createRouter({
    history: createWebHistory(),
    routes: [
      { path: '/', name: 'start', component: StartView },
      { path: '/r/:room', name: 'room', component: RoomView, props: true },
      // The edge gives the page for every path; what leads nowhere leads to the start.
      { path: '/:rest(.*)*', redirect: '/' },
    ],
  })
}
